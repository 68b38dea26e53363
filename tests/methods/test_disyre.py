"""DISYRE: oracles with known networks, examples, loss, windows, resumed training."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from tests.helpers.known_noise import Known
from tests.helpers.method_maps import inside_of_an_odd_grid, require_independence_of_batches
from tests.helpers.networks import weight_count
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.method.slices import SliceStack
from uad_bench.testing import toy_scans
from uad_methods.disyre import DISYRE

SHAPE = (24, 33, 5)
PRESET = {"base": 16, "multipliers": (1, 1, 2, 2), "blocks": (1,) * 4, "attention": (2, 3), "dropped": ()}


def fitted(scans, **parameters):
    method = DISYRE(**{**DISYRE.tiny, **parameters})
    method.fit(scans, scans, Context())
    return method


def with_network(answer, scan, **parameters):
    """A method for the grid of `scan` whose network returns `answer(x, t)`."""
    method = DISYRE(**{**DISYRE.tiny, "side": 0, "times": 4, **parameters})
    method.channels_, method.shape_, method.net_ = len(scan.modalities), scan.shape, Known(answer)
    return method


def parts(method, scans, ctx=None, step=0):
    """Clean patches and corrupted ones of a training step."""
    ctx = ctx or Context()
    stack = SliceStack(scans, ctx)
    return method.examples(stack, method.anomalies(stack), step, ctx)


@pytest.mark.parametrize(("parameters", "weights"), [({}, 39_252_353), (PRESET, 397_729)])
def test_the_network_has_the_published_number_of_weights_and_the_preset_the_card_s(parameters, weights):
    method = DISYRE(**parameters)
    method.channels_ = 1
    with torch.device("meta"):
        assert weight_count(method.build()) == weights


def test_a_network_that_returns_its_input_scores_zero():
    (scan,) = toy_scans(1, shape=SHAPE)
    method = with_network(lambda x, t: x, scan)
    assert method.score(scan, Context()).max() < 1e-6
    assert sorted({int(t[0]) for _, t in method.net_.inputs}) == [24, 49, 74, 99]
    assert {tuple(x.shape[1:]) for x, _ in method.net_.inputs} == {(1, 16, 16)}


@pytest.mark.parametrize("damped", [True, False])
@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
def test_a_constant_offset_scores_its_size_times_the_brain_s_share_of_the_slice(modalities, damped):
    (scan,) = toy_scans(1, modalities, shape=SHAPE)
    found = with_network(lambda x, t: x - 0.2, scan, damped=damped).score(scan, Context())
    share = scan.brain_mask.mean(axis=(0, 1)) if damped else np.ones(SHAPE[2])
    np.testing.assert_allclose(found, 0.2 * share * scan.brain_mask, rtol=1e-5)


def test_the_map_is_the_mean_over_times():
    (scan,) = toy_scans(1, shape=SHAPE)
    method = with_network(lambda x, t: x + t[:, None, None, None] / 100, scan, damped=False)
    found = method.score(scan, Context())[scan.brain_mask]
    np.testing.assert_allclose(found, (0.99 + 0.74 + 0.49 + 0.24) / 4, rtol=1e-5)


def test_slices_smaller_than_a_patch_are_padded_with_background():
    (scan,) = toy_scans(1, shape=(16, 20, 4))
    method = with_network(lambda x, t: x + 0.1, scan, patch=32, damped=False)
    np.testing.assert_allclose(method.score(scan, Context()), 0.1 * scan.brain_mask, rtol=1e-4)
    ((x, _), *_) = method.net_.inputs
    image = np.moveaxis(scan.image.astype(np.float16), -1, 0)[scan.brain_mask.any(axis=(0, 1))]
    middle = torch.from_numpy(2 * image.astype(np.float32) - 1)
    assert torch.equal(x, torch.nn.functional.pad(middle, (6, 6, 8, 8), value=-1.0))  # as a patch in training
    (found,) = with_network(lambda x, t: x, scan, patch=32).components(scan, Context()).values()
    np.testing.assert_allclose(np.asarray(found.values), scan.image[0] * scan.brain_mask, atol=1e-3)


def test_the_component_is_the_mean_restoration():
    (scan,) = toy_scans(1, shape=SHAPE)
    (found,) = with_network(lambda x, t: x, scan).components(scan, Context()).values()
    np.testing.assert_allclose(np.asarray(found.values), scan.image[0] * scan.brain_mask, atol=1e-3)


def test_the_loss_is_that_of_a_known_network_at_the_time_of_the_strength():
    method = DISYRE(**DISYRE.tiny)
    clean, corrupted = parts(method, toy_scans(2, shape=SHAPE))
    corrupted = replace(corrupted, strength=torch.tensor([1.0, 0.5, 0.1, 0.0]))
    net = Known(lambda x, t: 2 * clean - 1 + 0.3)
    assert float(method.loss(net, clean, corrupted, Context())) == pytest.approx(0.09, rel=1e-4)
    ((x, t),) = net.inputs
    torch.testing.assert_close(x, 2 * corrupted.image - 1)
    assert t.tolist() == [0, 36, 65, 99]


def test_examples_differ_from_their_targets_inside_the_shape_only_by_at_most_the_strength_allows():
    method = DISYRE(**{**DISYRE.tiny, "batch": 16})
    clean, corrupted = parts(method, toy_scans(3, shape=SHAPE))
    difference = (corrupted.image - clean).abs()
    assert corrupted.strength.min() >= 0 and corrupted.strength.max() <= 1 and difference.max() > 0.1
    assert (difference.amax(dim=(1, 2, 3)) <= 2 * corrupted.strength + 1e-6).all()
    assert (difference[(corrupted.shape == 0)[:, None]] == 0).all()


def test_foreign_texture_never_comes_from_the_slice_itself(monkeypatch):
    stack, taken = SliceStack(toy_scans(1, shape=(16, 16, 4)), Context()), []
    method = DISYRE(**{**DISYRE.tiny, "batch": 64})
    anomalies, take = method.anomalies(stack), stack.take
    monkeypatch.setattr(stack, "take", lambda index: (taken.append(index), take(index))[1])
    method.examples(stack, anomalies, 0, Context())
    targets, others = np.split(taken[0], 2)
    assert (targets != others).all() and set(targets) == set(others) == set(range(len(stack)))


def test_examples_depend_on_the_step_and_the_seed_only():
    method, scans = DISYRE(**DISYRE.tiny), toy_scans(2, shape=SHAPE)
    one, again, other = (parts(method, scans, step=step)[1].image for step in (3, 3, 4))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert not torch.equal(one, parts(method, scans, Context(seed=1), step=3)[1].image)


def test_parameters_of_the_examples_reach_them():
    scans = toy_scans(3, shape=SHAPE)

    def drawn(**parameters):
        return parts(DISYRE(**{**DISYRE.tiny, "batch": 32, **parameters}), scans)

    (clean, corrupted), (same, other) = drawn(), drawn(matching="minmax")
    assert torch.equal(clean, same) and not torch.equal(corrupted.image, other.image)
    plain, augmented = (drawn(augment=augment)[0] for augment in (False, True))
    assert not torch.equal(plain, augmented)
    method = DISYRE(**{**DISYRE.tiny, "tissues": 3})
    assert method.anomalies(SliceStack(scans, Context())).centres.shape == (1, 3)


@pytest.mark.parametrize(("overlap", "windows"), [(0.25, 3 * 6), (0.5, 2 * 4), (1, 2 * 3)])
def test_windows_are_an_overlap_of_a_patch_apart(overlap, windows):
    (scan,) = toy_scans(1, shape=SHAPE)
    method = with_network(lambda x, t: x, scan, overlap=overlap, times=1)
    method.score(scan, Context())
    slices = scan.brain_mask.any(axis=(0, 1)).sum()
    assert sum(len(x) for x, _ in method.net_.inputs) == windows * slices


def test_of_several_modalities_each_has_tissues_of_its_own():
    method, scans = DISYRE(**DISYRE.tiny), toy_scans(2, ("t1", "t2"), shape=SHAPE)
    centres = method.anomalies(SliceStack(scans, Context())).centres
    assert centres.shape == (2, 5) and (centres.diff(dim=1) > 0).all() and not torch.equal(*centres)


@pytest.mark.parametrize("parameters", [{}, {"matching": "minmax", "causal": False}])
def test_the_loss_falls_on_a_fixed_batch_and_lesions_are_removed(parameters):
    method, ctx = (
        DISYRE(**{**DISYRE.tiny, "batch": 8, "augment": False, "dropout": 0, **parameters}),
        Context(),
    )
    scans = toy_scans(2, shape=SHAPE)
    net = method.begin(scans, ctx)
    clean, corrupted = parts(method, scans)
    opt, losses = torch.optim.AdamW(net.parameters(), 3e-3), []
    for _ in range(150):
        loss = method.loss(net, clean, corrupted, ctx)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.1 * losses[0]
    error = (2 * (corrupted.image - clean)).square()
    inside = (corrupted.shape > 0.5)[:, None]
    identity = Known(lambda x, t: x)
    with_lesions = float(method.loss(identity, clean, corrupted, ctx))
    assert inside.any() and with_lesions == pytest.approx(float(error.mean()), rel=1e-4)
    assert losses[-1] < with_lesions


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
@pytest.mark.parametrize("side", [0, 20])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities, side):
    inside_of_an_odd_grid(partial(fitted, side=side), modalities)


def test_the_map_depends_neither_on_the_batch_size_nor_on_other_slices():
    require_independence_of_batches(fitted(toy_scans(2), side=0))


def test_a_resume_is_bit_equal(tmp_path):
    assert_resume_is_bit_equal(lambda: DISYRE(**DISYRE.tiny), "phase0", tmp_path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"multipliers": (1,)}, "no such network"),
        ({"base": 9}, "no such network"),
        ({"attention": (2,)}, "no such network"),
        ({"patch": 18}, "no multiple of 4"),
    ],
)
def test_impossible_combinations_are_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        DISYRE(**{**DISYRE.tiny, **wrong})


def test_variants_have_their_names_and_the_track_is_that_of_synthetic_anomalies():
    assert variant(DISYRE()) == "" and DISYRE().learns_from() == "synthetic"
    named = {variant(DISYRE(**parameters)) for parameters in DISYRE.variants.values()}
    assert named == {"minmax", "noncausal", "undamped"}
