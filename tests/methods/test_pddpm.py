"""pDDPM: noise and loss inside one box, composition of boxes, resumed training."""

import numpy as np
import pytest
import torch

from tests.helpers.known_noise import Known
from tests.helpers.networks import weight_count
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context
from uad_bench.errors import UsageError
from uad_bench.testing import toy_scans
from uad_methods.parts import diffusion
from uad_methods.parts.batches import Batches
from uad_methods.pddpm import PDDPM


def fitted(scans, **parameters):
    method = PDDPM(**{**PDDPM.tiny, **parameters})
    method.fit(scans, scans, Context())
    return method


def test_weight_count_is_as_published():
    method = PDDPM()
    method.channels_ = 1
    with torch.device("meta"):
        assert weight_count(method.build()) == 37_513_857


@pytest.mark.parametrize("boxes", ["grid", "anywhere"])
def test_only_one_box_is_noised_and_has_a_gradient(boxes):
    method, clean = PDDPM(boxes=boxes, patch=3), torch.rand(8, 2, 9, 6) * 2 - 1
    guess = torch.zeros_like(clean, requires_grad=True)
    net = Known(lambda x, t: guess)
    method.loss(net, clean, 0, Context()).backward()
    noised, moved = net.inputs[0][0] != clean, guess.grad != 0
    assert torch.equal(noised, moved)
    assert (noised.sum(dim=(1, 2, 3)) == 2 * 3 * 3).all()
    assert len({tuple(map(tuple, one[0].nonzero().tolist())) for one in noised}) > 1


def test_the_loss_counts_the_box_and_averages_over_the_slice():
    method, clean = PDDPM(), torch.rand(4, 1, 8, 8)
    assert method.loss(Known(lambda x, t: clean), clean, 0, Context()) == 0
    found = method.loss(Known(lambda x, t: clean + 1), clean, 0, Context())
    assert float(found) == pytest.approx(0.25)


def noise_like(clean):
    fields = torch.randn_like(clean)
    return lambda t: fields


def test_restored_boxes_are_composed_to_the_slice():
    clean, order = torch.rand(3, 2, 10, 14), []
    method = PDDPM(patch=4)

    def predict(x, t):
        count = len(x)
        of = torch.arange(sum(order), sum(order) + count) % 3  # one box of all slices, then the next box
        order.append(count)
        return clean[of]

    method.net_ = Known(predict)
    found = method.restore(clean, noise_like(clean), Batches(2, "cpu"))
    assert torch.equal(found, clean)
    assert order == 12 * [2, 1]


def test_at_test_time_every_box_is_noised_once_and_the_rest_is_clean():
    clean = torch.rand(2, 1, 8, 8)
    method, noise = PDDPM(), noise_like(clean)
    method.net_ = Known(lambda x, t: x)
    found = method.restore(clean, noise, Batches(3, "cpu"))
    t = torch.full((2,), 499)
    torch.testing.assert_close(found, diffusion.q_sample(clean, noise(499), t, diffusion.cosine()))
    inputs = torch.cat([x for x, _ in method.net_.inputs])
    assert ((inputs != clean.repeat(4, 1, 1, 1)).sum(dim=(1, 2, 3)) == 16).all()
    assert {int(one) for _, at in method.net_.inputs for one in at} == {499}


def test_the_map_does_not_depend_on_the_batch_size():
    scan = toy_scans(1)[0]
    method, maps = fitted(toy_scans(2), side=0, steps=8), []
    for size in (1, 3, "auto"):
        method.batch_size, method._batches = size, None
        maps.append(method.score(scan, Context()))
    np.testing.assert_allclose(maps[0], maps[2], atol=1e-4)
    np.testing.assert_allclose(maps[1], maps[2], atol=1e-4)
    assert maps[0].max() > 1e-3


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
@pytest.mark.parametrize("side", [0, 16])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities, side):
    scans = toy_scans(2, modalities, shape=(33, 21, 5))
    found = fitted(scans, side=side, patch=10).score(scans[0], Context())
    assert found.shape == (33, 21, 5) and (found[~scans[0].brain_mask] == 0).all() and found.min() >= 0


def test_the_loss_falls():
    losses, ctx = [], Context()
    ctx.policy.sink = lambda v: losses.append(v["loss"]) if "loss" in v else None
    scans = toy_scans(2, shape=(16, 16, 8))
    PDDPM(**{**PDDPM.tiny, "side": 0, "steps": 40, "lr": 3e-3, "batch": 8}).fit(scans, scans, ctx)
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


@pytest.mark.parametrize("parameters", [{}, PDDPM.variants["anywhere"]])
def test_a_resume_is_bit_equal(parameters, tmp_path):
    assert_resume_is_bit_equal(lambda: PDDPM(**{**PDDPM.tiny, **parameters}), "phase0", tmp_path)


@pytest.mark.parametrize("wrong", [{"patch": 0.0}, {"start": 1001}])
def test_invalid_hyper_parameters_are_refused(wrong):
    with pytest.raises(UsageError):
        PDDPM(**wrong)
