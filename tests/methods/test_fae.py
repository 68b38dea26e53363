"""FAE: weights, extractor training, frozen ResNet, texture changes, resumed training."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context
from uad_bench.errors import IntegrityError, UsageError
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.fae import FAE
from uad_methods.parts.images.equalise import equalised_scan
from uad_methods.parts.networks.resnet18 import ResNet18

TINY = {**FAE.tiny, "extractor": "random"}


def fitted(scans, **parameters):
    method = FAE(**{**TINY, **parameters})
    method.fit(scans, scans, Context())
    return method


def test_the_paper_s_method_is_refused_without_weights():
    with pytest.raises(UsageError, match=r"fae:random or fae:self") as refusal:
        FAE()
    assert "\n" not in str(refusal.value)
    assert variant(FAE(extractor="random")) == "random" and variant(FAE(extractor="self")) == "self"


def test_only_given_weights_have_seen_a_dataset():
    assert FAE(weights="resnet18.pth").seen() == ("imagenet",) and FAE(extractor="self").seen() == ()


@pytest.mark.parametrize("wrong", [{"side": 96}, {"weights": "some.pth"}])
def test_invalid_hyper_parameters_are_refused(wrong):
    with pytest.raises(UsageError):
        FAE(**{"extractor": "random", **wrong})


def test_given_weights_are_loaded_and_their_digest_is_stored(tmp_path):
    path, given = tmp_path / "resnet18.pth", ResNet18()
    torch.save(given.state_dict(), path)
    digest, scans = hashlib.sha256(path.read_bytes()).hexdigest(), toy_scans(2)
    parameters = {**FAE.tiny, "weights": str(path)}
    method = FAE(**parameters, sha256=digest[:16])
    method.fit(scans, scans, Context())
    assert method.weights_ == digest and variant(method) == ""
    assert torch.equal(method.net_.extractor.resnet.layer2[1].conv2.weight, given.layer2[1].conv2.weight)
    with pytest.raises(IntegrityError):
        FAE(**parameters, sha256="0" * 64).fit(scans, scans, Context())


@pytest.mark.parametrize("adapt", [True, False])
def test_the_resnet_is_frozen_but_for_statistics_if_adapt_bn_is_set(adapt):
    scans = toy_scans(2)
    short, long = (fitted(scans, steps=s, adapt_bn=adapt).net_.extractor.state_dict() for s in (1, 3))
    moved = {key for key in short if not torch.equal(short[key], long[key])}
    assert all("running" in key or "batches" in key for key in moved)
    assert bool(moved) == adapt


def test_self_supervision_changes_the_resnet_and_lowers_its_loss():
    scans, losses = toy_scans(4), []

    def keep(values):
        if values["phase"] == "extractor":
            losses.append(values["loss"])

    ctx = Context()
    ctx.policy.sink = keep
    FAE(extractor="self", side=64, batch=4, steps=1, self_steps=25).fit(scans, scans, ctx)
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
@pytest.mark.parametrize("equalise", [True, False])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities, equalise):
    scans = toy_scans(2, modalities, shape=(33, 21, 5))
    found = fitted(scans, equalise=equalise).score(scans[0], Context())
    assert found.shape == (33, 21, 5) and (found[~scans[0].brain_mask] == 0).all()
    assert ((found >= -1e-5) & (found <= 2 + 1e-5)).all()


def test_a_batch_of_slices_scores_as_single_slices():
    scans = toy_scans(2)
    method = fitted(scans)
    together = method.score(scans[0], Context())
    single = method.score_slices(equalised_scan(scans[0]), Context(), method._residual, 1)
    np.testing.assert_allclose(together, single, atol=1e-4)


def test_a_replaced_texture_of_equal_mean_scores_higher():
    scans = toy_scans(4, shape=(64, 64, 6))
    method = fitted(scans, steps=20, batch=4, lr=1e-3, equalise=False)
    image, at = scans[0].image.copy(), (slice(24, 40), slice(24, 40), 3)
    board = np.indices((16, 16)).sum(axis=0) // 2 % 2
    patch = image[0][at]
    image[0][at] = patch.mean() + 0.3 * (board - board.mean())
    before, after = (
        method.score(s, Context())[at].mean() for s in (scans[0], replace(scans[0], image=image))
    )
    assert after > before + 0.01


@pytest.mark.parametrize("phase", ["extractor", "autoencoder"])
def test_a_resume_in_either_phase_is_bit_equal(phase, tmp_path):
    assert_resume_is_bit_equal(lambda: FAE(**{**TINY, "extractor": "self"}), phase, tmp_path)
