"""What the tests of the cache share."""

from pathlib import Path

import pytest

from uad_bench.data.nifti import header_checks


@pytest.fixture
def sealed(monkeypatch):
    """Call it, and from then on no source file may be opened."""

    def refuse(path: Path, where: str, most: int = -1) -> bytes:
        raise AssertionError(f"{path} was opened")

    return lambda: monkeypatch.setattr(header_checks, "_raw", refuse)
