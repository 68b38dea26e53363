"""FAE: the card's counts, the frozen ResNet, the names of what is not the paper's, any grid, resume by phase."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.helpers.networks import weight_count
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context
from uad_bench.errors import IntegrityError, UsageError
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.fae import FAE
from uad_methods.parts.images.equalise import equalised_scan
from uad_methods.parts.networks.feature_autoencoder import FeatureAutoencoder
from uad_methods.parts.networks.resnet18 import ResNet18

TINY = {**FAE.tiny, "extractor": "random"}


def fitted(scans, **parameters):
    method = FAE(**{**TINY, **parameters})
    method.fit(scans, scans, Context())
    return method


def test_the_autoencoder_has_as_many_weights_as_the_card_says():
    body = FeatureAutoencoder(1, 0.1, adapt_bn=True).autoencoder
    assert weight_count(body) == 10_285_048
    assert (weight_count(body[:5]), weight_count(body[5:])) == (5_516_500, 4_768_548)


@pytest.mark.parametrize("side", [64, 128])
def test_rebuilt_features_have_the_shape_of_the_features(side):
    net = FeatureAutoencoder(2, 0.1, adapt_bn=True)
    features, rebuilt = net(torch.rand(2, 2, side, side))
    assert features.shape == rebuilt.shape == (2, 512, side // 4, side // 4)
    assert net.autoencoder[:5](features).shape == (2, 300, side // 64, side // 64)


def test_without_weights_the_paper_s_name_is_refused_in_one_line():
    with pytest.raises(UsageError, match=r"fae:random or fae:self") as refusal:
        FAE()
    assert "\n" not in str(refusal.value)
    assert variant(FAE(extractor="random")) == "random" and variant(FAE(extractor="self")) == "self"


def test_only_given_weights_have_seen_something():
    assert FAE(weights="resnet18.pth").seen() == ("imagenet",) and FAE(extractor="self").seen() == ()


@pytest.mark.parametrize("wrong", [{"side": 96}, {"weights": "some.pth"}])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(UsageError):
        FAE(**{"extractor": "random", **wrong})


def test_given_weights_reach_the_resnet_and_their_digest_is_kept(tmp_path):
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
def test_the_resnet_s_weights_stay_and_its_statistics_move_where_they_shall(adapt):
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
def test_odd_grids_and_several_channels_give_maps_that_are_zero_outside(modalities, equalise):
    scans = toy_scans(2, modalities, shape=(33, 21, 5))
    found = fitted(scans, equalise=equalise).score(scans[0], Context())
    assert found.shape == (33, 21, 5) and (found[~scans[0].brain_mask] == 0).all()
    assert ((found >= -1e-5) & (found <= 2 + 1e-5)).all()


def test_a_batch_of_slices_is_scored_as_one_by_one():
    scans = toy_scans(2)
    method = fitted(scans)
    together = method.score(scans[0], Context())
    single = method.score_slices(equalised_scan(scans[0]), Context(), method._residual, 1)
    np.testing.assert_allclose(together, single, atol=1e-4)


def test_training_raises_the_score_of_a_swapped_texture_of_equal_mean():
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


def test_training_in_bf16_gives_a_finite_map():
    scans, ctx = toy_scans(2), Context(precision="bf16")
    method = FAE(**{**TINY, "extractor": "self"})
    method.fit(scans, scans, ctx)
    assert np.isfinite(method.score(scans[0], ctx)).all()
