"""What the tests of the cache share."""

from pathlib import Path

import pytest

from uad_bench.data import stream


@pytest.fixture
def sealed(monkeypatch):
    """Call it, and from then on no source file may be opened."""

    def refuse(path: Path, where: str, most: int = -1) -> bytes:
        raise AssertionError(f"{path} was opened")

    return lambda: monkeypatch.setattr(stream, "_raw", refuse)
