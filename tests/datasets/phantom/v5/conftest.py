"""Phantoms of version 5, once for all tests here."""

import pytest

from uad_datasets.phantom.subject import KINDS, Phantom
from uad_datasets.phantom.v5.subject import make_phantom


@pytest.fixture(scope="session")
def healthy() -> list[Phantom]:
    """Eight healthy subjects of seed 0."""
    return [make_phantom(0, f"phantom-h{i:03d}", "") for i in range(8)]


@pytest.fixture(scope="session")
def patients() -> list[Phantom]:
    """The twelve MS patients of the default cohort, seed 0."""
    return [make_phantom(0, f"phantom-ms-{i:03d}", "ms") for i in range(12)]


@pytest.fixture(scope="session")
def others() -> dict[str, Phantom]:
    """One phantom of each other kind of lesion."""
    return {kind: make_phantom(0, f"phantom-{kind}-000", kind) for kind in KINDS if kind != "ms"}
