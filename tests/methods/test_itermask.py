"""IterMask2: oracles with known networks, loss, threshold, draws, resumed training."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from tests.helpers.method_maps import inside_of_an_odd_grid, require_independence_of_batches
from tests.helpers.networks import weight_count
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.method.slices import SliceStack
from uad_bench.testing import toy_scans
from uad_methods.itermask import IterMask, Slices, exceeded_by
from uad_methods.parts.iterative_masks.high_frequencies import high_frequencies
from uad_methods.parts.iterative_masks.random_masks import random_masks

SHAPE = (16, 16, 4)


class Known(torch.nn.Module):
    """Returns `answer(x)` and records its inputs."""

    def __init__(self, answer):
        super().__init__()
        self.answer, self.inputs = answer, []

    def forward(self, x):
        self.inputs.append(x)
        return self.answer(x)


def fitted(scans, **parameters):
    method = IterMask(**{**IterMask.tiny, **parameters})
    method.fit(scans, scans, Context())
    return method


def with_networks(first, masked, scan, **parameters):
    """A method for the grid of `scan` with known networks and a threshold of 0.01."""
    method = IterMask(**{**IterMask.tiny, "side": 0, **parameters})
    method.channels_, method.shape_, method.threshold_ = len(scan.modalities), scan.shape, 0.01
    method.net_ = torch.nn.ModuleDict({"first": Known(first), "masked": Known(masked)})
    return method


def network_slices(scan):
    """The slices with brain, (n, C, X, Y) in [-3, 3], and their brain (n, X, Y)."""
    inside = scan.brain_mask.any(axis=(0, 1))
    image = torch.from_numpy(6 * scan.image.astype(np.float16).astype(np.float32) - 3)
    brain = torch.tensor(scan.brain_mask).permute(2, 0, 1)[inside]
    return image.permute(3, 0, 1, 2)[inside], brain


def some_slices():
    image, brain = network_slices(toy_scans(1, shape=SHAPE)[0])
    return Slices(image, high_frequencies(image, 15), brain)


def test_the_default_networks_have_the_published_numbers_of_weights():
    method = IterMask()
    method.channels_ = 1
    with torch.device("meta"):
        nets = method.build()
    assert tuple(weight_count(net) for net in nets.values()) == (6_748_481, 6_748_769)


def test_networks_that_know_the_slice_score_zero():
    (scan,) = toy_scans(1, shape=SHAPE)
    clean, _ = network_slices(scan)
    method = with_networks(lambda x: x + 1, lambda x: clean, scan)
    assert method.score(scan, Context()).max() < 1e-12
    first, *others = method.net_["masked"].inputs
    assert (first[:, 0] != clean[:, 0]).any() and all(torch.equal(one[:, :1], clean) for one in others)


def test_the_mask_ends_on_the_square_that_the_network_gets_wrong_and_the_map_is_the_whole_error():
    (scan,) = toy_scans(1, shape=(32, 32, 4))
    clean, brain = network_slices(scan)
    wrong = clean + 0.05  # an error of 0.0025 stays below the threshold
    wrong[:, :, 12:16, 14:18] += 0.45
    method = with_networks(torch.zeros_like, lambda x: wrong, scan, start_share=1.0)
    found, parts = method.score(scan, Context()), method.components(scan, Context())
    square = np.zeros(scan.shape, bool)
    square[12:16, 14:18] = scan.brain_mask[12:16, 14:18]
    assert square.any() and np.array_equal(np.asarray(parts["mask"].values) > 0, square)
    np.testing.assert_allclose(found[square], 0.25, rtol=1e-5)
    np.testing.assert_allclose(found[scan.brain_mask & ~square], 0.0025, rtol=1e-3)
    assert (found[~scan.brain_mask] == 0).all()
    rebuilt = ((wrong[:, 0] + 3) / 6 * brain).permute(1, 2, 0).numpy()
    inside = scan.brain_mask.any(axis=(0, 1))
    np.testing.assert_allclose(np.asarray(parts["reconstruction"].values)[..., inside], rebuilt, atol=1e-6)


def test_the_first_network_sees_the_condition_only_and_decides_what_is_hidden():
    (scan,) = toy_scans(1, shape=SHAPE)
    clean, brain = network_slices(scan)
    guess = clean + torch.rand(clean.shape, generator=torch.Generator().manual_seed(0))
    method = with_networks(lambda x: guess, lambda x: x[:, :1] + 9, scan)
    method.score(scan, Context())
    (condition,) = method.net_["first"].inputs
    torch.testing.assert_close(condition, high_frequencies(clean, 15))
    given = method.net_["masked"].inputs[0]
    assert torch.equal(given[:, 1:], condition)
    hidden = given[:, 0] != clean[:, 0]
    assert hidden.sum(dim=(1, 2)).tolist() == [int(n * 0.6) for n in brain.sum(dim=(1, 2)).tolist()]
    error = ((guess - clean) ** 2)[:, 0]
    assert all(e[h].min() > e[b & ~h].max() for e, h, b in zip(error, hidden, brain, strict=True) if h.any())


def hidden_noise(method, scan, ctx):
    """What the second network gets in hidden pixels in each turn, and the slices there."""
    clean, _ = network_slices(scan)
    method.net_["masked"].inputs.clear()
    method.score(scan, ctx)
    return [
        (x[:, 0][x[:, 0] != clean[:, 0]], clean[:, 0][x[:, 0] != clean[:, 0]])
        for x in method.net_["masked"].inputs
    ]


def test_hidden_pixels_are_normal_noise_that_is_new_for_each_turn_case_and_seed():
    (scan,) = toy_scans(1, shape=(32, 32, 8))
    method = with_networks(
        torch.zeros_like, lambda x: torch.full_like(x[:, :1], 9), scan, turns=2, stop_share=0
    )
    (one, there), (two, _) = hidden_noise(
        method, scan, Context()
    )  # nothing is filled well, so the mask stays
    others = [
        hidden_noise(method, changed, ctx)[0][0]
        for changed, ctx in ((replace(scan, case_id="other"), Context()), (scan, Context(seed=1)))
    ]
    assert len(one) > 1000 and abs(one.mean()) < 0.1 and one.std() == pytest.approx(1, abs=0.1)
    assert all(abs(np.corrcoef(one, other)[0, 1]) < 0.1 for other in (there, two, *others))
    assert torch.equal(one, hidden_noise(method, scan, Context())[0][0])


def test_hidden_pixels_are_normal_noise_in_training():
    slices = some_slices()
    method = with_networks(lambda x: x, lambda x: x[:, :1], toy_scans(1)[0])
    for key in (0, 1):
        method.loss("masked", slices, key, Context())
    found = []
    for given in method.net_["masked"].inputs:
        hidden = given[:, 0] != slices.image[:, 0]
        found.append((given[:, 0][hidden], slices.image[:, 0][hidden]))
    (one, there), (two, _) = found
    shared = min(len(one), len(two))
    assert abs(one.mean()) < 0.2 and one.std() == pytest.approx(1, abs=0.2)
    assert (
        abs(np.corrcoef(one, there)[0, 1]) < 0.2 and abs(np.corrcoef(one[:shared], two[:shared])[0, 1]) < 0.2
    )


@pytest.mark.parametrize(
    ("parameters", "fills"),
    [({"turns": 50}, 1), ({"turns": 50, "stop_share": 0.01}, 7), ({"turns": 2, "stop_share": 0.01}, 2)],
)
def test_masks_shrink_until_the_share_that_is_set_or_the_last_turn(parameters, fills):
    """A column of a slice that is all brain is filled well in each turn: 1/32 of the mask in the first."""
    (scan,) = toy_scans(1, shape=(32, 32, 1))
    scan = replace(scan, brain_mask=np.ones(scan.shape, bool))
    clean, _ = network_slices(scan)
    turns = []

    def masked(x):
        turns.append(len(turns))
        filled = clean + 1
        if len(turns) < 7:
            filled[..., : len(turns)] = clean[..., : len(turns)]
        return filled

    first = lambda x: clean + torch.rand(clean.shape, generator=torch.Generator().manual_seed(0)) + 0.1  # noqa: E731
    method = with_networks(first, masked, scan, start_share=1.0, **parameters)
    method.score(scan, Context())
    assert len(turns) == fills


@pytest.mark.parametrize("radius", [2.0, 40.0])
def test_the_condition_has_the_radius_that_is_set(radius):
    (scan,) = toy_scans(1, shape=SHAPE)
    clean, _ = network_slices(scan)
    method = with_networks(torch.zeros_like, lambda x: x[:, :1], scan, radius=radius)
    method.score(scan, Context())
    (condition,) = method.net_["first"].inputs
    torch.testing.assert_close(condition, high_frequencies(clean, radius))
    assert not torch.allclose(condition, high_frequencies(clean, 15))


def test_components_do_not_need_a_certain_order_in_memory():
    (scan,) = toy_scans(1, ("t1", "t2"), shape=SHAPE)
    method = with_networks(lambda x: x, lambda x: x[:, :2] + 1, scan)
    other = replace(scan, image=np.asfortranarray(scan.image))
    for name, found in method.components(scan, Context()).items():
        np.testing.assert_array_equal(found.values, method.components(other, Context())[name].values)


def test_twenty_percent_of_the_errors_exceed_the_threshold():
    errors = np.random.default_rng(0).permutation(100).astype(np.float32)
    assert exceeded_by(errors, 0.2) == 79 and exceeded_by(errors[:0], 0.2) == 0
    assert exceeded_by(errors, 0) == 99


def test_the_threshold_comes_from_the_hidden_pixels_of_validation_slices():
    train, val = toy_scans(1, shape=SHAPE), toy_scans(1, prefix="val", shape=SHAPE)
    clean, brain = network_slices(val[0])
    method = with_networks(lambda x: x, lambda x: torch.zeros_like(x[:, :1]), train[0], checked=100)
    held_out = SliceStack(val, Context(), name="val").spread(100)
    mask = random_masks(brain, Context().rng("mask", "val", 0))
    expected = exceeded_by((clean[:, 0] ** 2)[mask].numpy(), 0.2)
    assert method._healthy_threshold(held_out, Context()) == pytest.approx(expected)


def test_the_loss_is_the_squared_error_over_all_pixels():
    slices = some_slices()
    method = with_networks(lambda x: slices.image + 0.5, lambda x: slices.image - 2, toy_scans(1)[0])
    assert method.loss("first", slices, 0, Context()).item() == pytest.approx(0.25, rel=1e-4)
    assert method.loss("masked", slices, 0, Context()).item() == pytest.approx(4, rel=1e-4)
    (given,) = method.net_["masked"].inputs
    hidden = random_masks(slices.brain, Context().rng("mask", 0))
    assert hidden.any() and torch.equal(given[:, 0] != slices.image[:, 0], hidden)
    assert torch.equal(given[:, 1:], slices.condition)


@pytest.mark.parametrize("name", ["first", "masked"])
def test_the_loss_falls_on_a_fixed_batch(name):
    scans, ctx = toy_scans(1, shape=SHAPE), Context()
    method, slices = IterMask(**{**IterMask.tiny, "side": 0}), some_slices()
    net = method.begin(scans, ctx)
    opt, losses = torch.optim.AdamW(net[name].parameters(), 3e-3), []
    for _ in range(40):
        loss = method.loss(name, slices, 0, ctx)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.7 * losses[0]


def test_the_map_depends_neither_on_the_batch_size_nor_on_other_slices():
    require_independence_of_batches(fitted(toy_scans(2)))


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
@pytest.mark.parametrize("side", [0, 16])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities, side):
    inside_of_an_odd_grid(partial(fitted, side=side), modalities)


def test_a_scan_without_brain_scores_zero():
    (scan,) = toy_scans(1)
    empty = replace(scan, brain_mask=np.zeros_like(scan.brain_mask))
    method = fitted(toy_scans(2))
    assert not method.score(empty, Context()).any() and not method.components(empty, Context())


@pytest.mark.parametrize("phase", ["first", "masked"])
def test_a_resume_is_bit_equal(phase, tmp_path):
    assert_resume_is_bit_equal(lambda: IterMask(**IterMask.tiny), phase, tmp_path)


def test_stored_weights_and_threshold_give_the_same_map(tmp_path):
    (scan,) = toy_scans(1, prefix="test")
    method, again = fitted(toy_scans(2)), IterMask(**IterMask.tiny)
    method.save(tmp_path)
    again.load(tmp_path, Context())
    assert again.threshold_ == method.threshold_ > 0
    assert np.array_equal(again.score(scan, Context()), method.score(scan, Context()))


@pytest.mark.parametrize(
    "wrong", [{"multipliers": (1,)}, {"base": 9}, {"attention": (2,)}, {"base": 24}, {"dropped": (5,)}]
)
def test_impossible_networks_are_refused(wrong):
    with pytest.raises(UsageError, match="no such network"):
        IterMask(**{**IterMask.tiny, **wrong})


def test_the_variant_has_its_name():
    assert variant(IterMask()) == "" and variant(IterMask(**IterMask.variants["stop1"])) == "stop1"
