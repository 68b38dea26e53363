"""A pytest plug-in that loads the pretended GPU before any test imports torch."""

import pytest

from tests.pretend_gpu import guard


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Called before the first conftest.py is imported."""
    guard.load()
