"""The content of a cache folder."""

from pathlib import Path


def tree(folder: Path) -> dict[str, bytes]:
    """The bytes of every .npy and .json file, by relative path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.[nj]*") if p.is_file()}
