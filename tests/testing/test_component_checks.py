"""The check of components finds methods whose components are invalid, vary, or change the map."""

from dataclasses import dataclass

import numpy as np
import pytest

from tests.helpers.sound_plugins import SoundMethod
from uad_bench.testing import check_method


@dataclass
class Shows(SoundMethod):
    """Keeps all promises, that of components among them."""

    def components(self, scan, ctx):
        return {"image": scan.image[0], "noise": ctx.rng(scan.case_id).random(scan.shape)}


@dataclass
class ShowsNaN(Shows):
    def components(self, scan, ctx):
        return {"image": scan.image[0] * np.nan}


@dataclass
class ShowsNothing(Shows):
    def components(self, scan, ctx):
        return {}


@dataclass
class ShowsTheLastScan(Shows):
    def components(self, scan, ctx):
        before, self._before = getattr(self, "_before", scan.image[0]), scan.image[0]
        return {"image": before}


@dataclass
class ShowsAndSpoils(Shows):
    def components(self, scan, ctx):
        self.mean_ += 1.0
        return {"image": scan.image[0]}


def broken(cls):
    return {result.promise for result in check_method(cls) if not result.ok}


def test_sound_components_keep_the_promise():
    status = {result.promise: result.status for result in check_method(Shows)}
    assert status["components"] == "kept"
    assert "broken" not in status.values()


@pytest.mark.parametrize("cls", [ShowsNaN, ShowsNothing, ShowsTheLastScan, ShowsAndSpoils])
def test_the_check_finds_broken_components(cls):
    assert broken(cls) == {"components"}
