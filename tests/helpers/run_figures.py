"""Figures of runs, which take longer than a toy run itself, are drawn in tests that ask for them only.

Commands in a process of their own always draw them.
"""

from contextlib import contextmanager

import pytest

from uad_bench.pipeline import evaluate_run, run

PLACES = ((evaluate_run, "draw_run_figures"), (run, "draw_training"))
DRAWN = [getattr(module, name) for module, name in PLACES]


@pytest.fixture(scope="session", autouse=True)
def no_run_figures():
    """Runs in this process write no figures."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in PLACES:
            patch.setattr(module, name, lambda *_words: None)
        yield


@contextmanager
def drawn_figures():
    """Runs in the block write their figures, as outside of tests."""
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), drawn in zip(PLACES, DRAWN, strict=True):
            patch.setattr(module, name, drawn)
        yield
