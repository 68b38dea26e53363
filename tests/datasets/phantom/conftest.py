"""A few phantoms of every kind, and a tiny cohort on disk, phantoms once for all tests here."""

from pathlib import Path

import pytest

from uad_datasets.phantom.cohort import ensure_cohort
from uad_datasets.phantom.generate import Recipe
from uad_datasets.phantom.subject import KINDS, Phantom, make_phantom


@pytest.fixture(scope="session")
def phantoms() -> dict[str, list[Phantom]]:
    """Kind ("" is healthy) -> two phantoms."""
    return {kind: [make_phantom(7, f"{kind}-{i}", kind) for i in range(2)] for kind in ("", *KINDS)}


@pytest.fixture(scope="session")
def tiny_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two healthy subjects and one of each lesion kind, by one worker."""
    root = tmp_path_factory.mktemp("phantom") / "cohort"
    return ensure_cohort(root, Recipe(4), healthy=2, lesions=1, workers=1)
