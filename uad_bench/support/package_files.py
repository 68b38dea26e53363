"""The files that ship with uad-bench: protocols, reported results, documentation, the commit of a wheel."""

from pathlib import Path


def shipped(name: str) -> Path:
    """The folder `name` ("configs", "leaderboard/published", "docs"), in an installed wheel or in a checkout."""
    here = Path(__file__).parent.parent
    packed = here / "_shipped" / name
    return packed if packed.is_dir() else here.parent / name


def protocol_files() -> dict[str, Path]:
    """The shipped protocols by name."""
    return {path.stem: path for path in sorted(shipped("configs").glob("*.yaml"))}


def packed_commit() -> str:
    """The commit that a wheel was built from, "+dirty" if it had changes; "" in a checkout."""
    packed = Path(__file__).parent.parent / "_shipped" / "commit.txt"
    return packed.read_text(encoding="utf-8").strip() if packed.is_file() else ""
