"""Reading a cache folder whole."""

from pathlib import Path


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.[nj]*") if p.is_file()}
