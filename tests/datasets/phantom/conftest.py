"""A few phantoms of every kind, and a tiny cohort on disk, grown once for all tests here."""

from pathlib import Path

import pytest

from uad_datasets.phantom.cohort import ensure
from uad_datasets.phantom.subject import KINDS, Phantom, grow


@pytest.fixture(scope="session")
def grown() -> dict[str, list[Phantom]]:
    """Kind ("" is healthy) -> two phantoms."""
    return {kind: [grow(7, f"{kind}-{i}", kind) for i in range(2)] for kind in ("", *KINDS)}


@pytest.fixture(scope="session")
def tiny_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two healthy subjects and one of each lesion kind, by one worker."""
    root = tmp_path_factory.mktemp("phantom") / "cohort"
    return ensure(root, seed=0, healthy=2, lesions=1, workers=1)
