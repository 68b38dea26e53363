"""PatchCore: weights, memory, maps, variants."""

import hashlib

import numpy as np
import pytest
import torch

from tests.helpers.method_maps import (
    inside_of_an_odd_grid,
    require_cover,
    require_smoothing,
    scores_of_a_replaced_texture,
)
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.parts.networks.resnet18 import ResNet18
from uad_methods.patchcore import PatchCore

TINY = {**PatchCore.tiny, "extractor": "random"}


def fitted(scans, **parameters):
    method = PatchCore(**{**TINY, **parameters})
    method.fit(scans, [], Context())
    return method


@pytest.mark.parametrize(
    "wrong",
    [{"side": 100}, {"weights": "some.pth"}, {"stages": (2, 1)}, {"patch": 4}, {"dims": 1023}, {"side": 0}],
)
def test_invalid_hyper_parameters_are_refused(wrong):
    with pytest.raises(UsageError):
        PatchCore(**{"extractor": "random", **wrong})


def test_given_weights_are_loaded_and_their_digest_is_stored(tmp_path):
    path, given = tmp_path / "resnet18.pth", ResNet18(stages=2)
    torch.save(given.state_dict(), path)
    digest, scans = hashlib.sha256(path.read_bytes()).hexdigest(), toy_scans(2)
    method = PatchCore(**{**PatchCore.tiny, "extractor": "resnet18", "weights": str(path), "sha256": digest})
    method.fit(scans, [], Context())
    assert method.weights_ == digest and variant(method) == "resnet18"
    assert torch.equal(method.net_.pyramid.resnet.conv1.weight, given.conv1.weight)


def test_the_memory_has_its_share_of_the_drawn_features_which_are_bounded():
    scans = toy_scans(3)
    method = fitted(scans, vectors=120, share=0.25)
    slices = sum(int(scan.brain_mask.any(axis=(0, 1)).sum()) for scan in scans)
    assert slices <= method.drawn_ <= 120 and method.size_ == round(0.25 * method.drawn_)
    assert method.net_.memory.shape == (method.size_, 16)


def test_the_memory_is_a_coreset_of_the_drawn_features():
    scans, ctx = toy_scans(3), Context()
    method = fitted(scans)
    with torch.no_grad():
        drawn = method._draw(SliceStack(scans, ctx), ctx)
    require_cover(drawn, method.net_.memory)


def test_more_slices_than_vectors_give_one_feature_each():
    scans = toy_scans(2)
    slices = sum(int(scan.brain_mask.any(axis=(0, 1)).sum()) for scan in scans)
    assert fitted(scans, vectors=3).drawn_ == slices


def test_five_neighbours_lower_no_score_and_raise_some():
    scans, (fresh,) = toy_scans(2), toy_scans(1, prefix="fresh")
    one, five = (fitted(scans, k=k).score(fresh, Context()) for k in (1, 5))
    assert (five >= one * (1 - 1e-5)).all() and (five > 1.01 * one).any()


def test_the_map_is_smoothed_by_sigma():
    method = fitted(toy_scans(1))
    require_smoothing(method, method._distances)


def test_a_scan_whose_features_are_all_in_the_memory_has_score_zero():
    scans = toy_scans(1)
    method = fitted(scans, vectors=10**6, share=1.0)
    assert method.score(scans[0], Context()).max() == 0
    assert method.score(*toy_scans(1, prefix="fresh"), Context()).max() > 0


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities):
    inside_of_an_odd_grid(fitted, modalities)


def test_equal_distances_stay_equal_at_the_border_of_the_brain():
    scans = toy_scans(2)
    method, (fresh,) = fitted(scans), toy_scans(1, prefix="fresh")
    method.net_.forward = lambda images: torch.ones(len(images), 16, 8, 8)
    method.net_.memory.zero_()
    inside = method.score(fresh, Context())[fresh.brain_mask]
    np.testing.assert_allclose(inside, inside[0], rtol=1e-4)


def test_a_replaced_texture_of_equal_mean_scores_higher():
    scans = toy_scans(4, shape=(64, 64, 6))
    method = fitted(scans, side=64, width=8, dims=32, vectors=2000, share=0.2)
    before, after = scores_of_a_replaced_texture(method)
    assert after > 1.5 * before


def test_self_supervision_changes_the_network_and_lowers_its_loss():
    scans, losses = toy_scans(4), []
    ctx = Context()
    ctx.policy.sink = lambda values: losses.append(values["loss"])
    PatchCore(**{**TINY, "extractor": "self", "self_steps": 25}).fit(scans, [], ctx)
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_a_resume_of_the_self_supervision_is_bit_equal(tmp_path):
    assert_resume_is_bit_equal(lambda: PatchCore(**{**TINY, "extractor": "self"}), "extractor", tmp_path)
