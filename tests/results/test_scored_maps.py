"""What evaluation reads of a stored map: voxels that a dataset ignores leave the region after post-processing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from uad_bench.evaluate import postprocess
from uad_bench.results.scored_maps import ScoredMaps
from uad_bench.types import Case, Scan, Truth

SHAPE = (9, 9, 3)
STEPS = postprocess.parse([{"step": "median", "size": 3}, {"step": "erode_brain"}])


@pytest.fixture
def maps(tmp_path):
    """A function that gives the maps of one case after steps, without or with ignored voxels in its centre."""
    scores = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    ignored = np.zeros(SHAPE, bool)
    ignored[3:6, 3:6] = True
    affine, brain, nothing = np.eye(4), np.ones(SHAPE, bool), np.zeros(SHAPE, bool)
    scan = Scan("a", ("t2",), scores[np.newaxis], brain, affine, (1.0, 1.0, 1.0))
    case = Case("d", "a", "a", {}, healthy=False, lesion_kind="tumour")

    def make(steps, mask=ignored, raw=False):
        prepared = SimpleNamespace(scan=lambda: scan, truth=lambda: Truth("a", nothing, ignored=mask))
        members = [SimpleNamespace(case=case, prepared=prepared)]
        directory = SimpleNamespace(path=tmp_path, name="run", read_map=lambda *_: scores)
        spec = SimpleNamespace(protocol=SimpleNamespace(grid=SimpleNamespace(shape=SHAPE)))
        stored = ScoredMaps(directory, members, spec, ()) if raw else None
        return ScoredMaps(directory, members, spec, steps, stored)

    return make, ignored


@pytest.mark.parametrize("keep", [0, 5e7])
@pytest.mark.parametrize("raw", [False, True])
def test_post_processing_does_not_depend_on_what_is_ignored(maps, keep, raw, monkeypatch):
    monkeypatch.setattr(ScoredMaps, "KEEP_VOXELS", keep)
    make, ignored = maps
    (whole,), found = make(STEPS, None), make(STEPS, raw=raw)
    for _ in range(2):  # the second pass reads what was kept
        (one,) = found
        assert np.array_equal(one.brain_mask, whole.brain_mask & ~ignored) and one.brain_mask[2, 2, 1]
        assert np.array_equal(one.map[one.brain_mask], whole.map[one.brain_mask])
        assert set(one.map[~one.brain_mask]) == {one.map[one.brain_mask].min()}
        assert np.array_equal(one.ignored, ignored)
    found.forget()


def test_ignored_voxels_are_in_no_region_without_steps_either(maps):
    make, ignored = maps
    (one,) = make(())
    assert np.array_equal(one.brain_mask, ~ignored) and one.whole_brain.all()
    assert replace(one, ignored=None).ignored is None
