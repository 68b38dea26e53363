"""The files that ship with uad-bench: protocols and reported results."""

from pathlib import Path


def shipped(name: str) -> Path:
    """The folder `name` ("configs", "leaderboard/published"), in an installed wheel or in a checkout."""
    here = Path(__file__).parent.parent
    packed = here / "_shipped" / name
    return packed if packed.is_dir() else here.parent / name
