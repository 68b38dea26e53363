"""PHANES: masks of each slice's own, nothing outside them, a painter that learns, names, any grid, resume."""

import hashlib

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy import ndimage

from tests.helpers.known_noise import spot_before_and_after
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.parts.images.square import to_square
from uad_methods.parts.networks.aot import Critic, Generator
from uad_methods.parts.networks.lpips import LPIPS
from uad_methods.parts.networks.vgg19 import VGG19
from uad_methods.parts.training.inpainter import ADVERSARIAL, Inpainter
from uad_methods.parts.training.inpainting import (
    adversarial_loss,
    composite,
    critic_loss,
    gradient_loss,
    masked_input,
)
from uad_methods.phanes import PHANES

NOPERC = {**PHANES.tiny, **PHANES.variants["noperc"]}


def fitted(scans, **parameters):
    method = PHANES(**{**NOPERC, **parameters})
    method.fit(scans, scans, Context())
    return method


@pytest.fixture(scope="module")
def scans():
    return toy_scans(3)


@pytest.fixture(scope="module")
def method(scans):
    return fitted(scans)


def maps(n=4, side=64):
    return torch.rand(n, side, side, generator=torch.Generator().manual_seed(0)) ** 2


def pictures(n=4, channels=1):
    return torch.rand(n, channels, 64, 64, generator=torch.Generator().manual_seed(1))


def test_thresholds_are_each_slice_s_own(method):
    levels = maps() * torch.tensor([1.0, 10, 0.1, 3])[:, None, None]
    found = method._inpainting_mask(levels, 0.0)
    order = [2, 0, 3, 1]
    assert torch.equal(method._inpainting_mask(levels[order], 0.0), found[order])
    torch.testing.assert_close(found, method._inpainting_mask(maps(), 0.0))
    above = levels > levels.flatten(1).quantile(0.95, dim=1)[:, None, None]
    assert above.flatten(1).float().mean(1).tolist() == pytest.approx([0.05] * 4, abs=0.001)
    assert (found[:, 0] >= above.float()).all() and found.mean() > 0.1


def test_a_given_threshold_holds_for_all_slices_and_masks_grow(method):
    spots = torch.zeros(2, 64, 64)
    spots[0, 28:33, 28:33], spots[1, 28:33, 28:33] = 0.2, 0.1
    found = method._inpainting_mask(spots, 0.15)[:, 0]
    expected = ndimage.gaussian_filter((spots[0] > 0.15).double().numpy(), 1.2) > 0.1
    assert found[1].sum() == 0 and np.array_equal(found[0].numpy(), expected)
    assert found[0, 28:33, 28:33].all() and found[0].sum() > 45


def test_the_coarse_map_is_the_relative_difference_times_the_dissimilarity(method, monkeypatch):
    monkeypatch.setattr("uad_methods.phanes.clahe", lambda v: v)
    a, b = pictures(3), pictures(4)[1:]
    error = (a - b).abs().numpy()
    top = np.quantile(error, 0.95, axis=(2, 3), keepdims=True)
    expected = np.minimum(error / (top + 1e-8), 1) * method.net_["unlike"](a, b).numpy()
    np.testing.assert_allclose(method._coarse_map(a, b), expected[:, 0], rtol=1e-4, atol=1e-6)


def test_painted_slices_are_the_slices_wherever_nothing_is_masked(method):
    x, mask = pictures(), torch.zeros(4, 1, 64, 64)
    mask[:, :, 20:30, 10:50] = 1
    with torch.no_grad():
        y = method._inpaint(x, mask)
    outside = mask == 0
    assert torch.equal(y[outside], x[outside]) and not torch.equal(y[~outside], x[~outside])
    assert y.min() >= 0 and y.max() <= 1


def test_a_threshold_above_all_gives_a_map_of_nothing_and_a_low_one_does_not(scans):
    method = fitted(scans)
    assert 0 < method.threshold_ < 1
    assert method.score(scans[0], Context()).max() > 0
    method.threshold_ = 9.0
    assert (method.score(scans[0], Context()) == 0).all()


def test_the_healthy_threshold_is_exceeded_by_one_voxel_of_twenty(scans):
    method = fitted(scans, checked=1000)
    stack = SliceStack(scans, Context(), name="val").spread(1000)
    x = method._network_input(stack.image)
    with torch.no_grad():
        levels = method._coarse_map(x, method._restore(x))
    brain = to_square(stack.brain[:, None].float(), 64)[:, 0] > 0.5
    assert float((levels[brain] > method.threshold_).float().mean()) == pytest.approx(0.05, abs=0.002)


def test_the_score_is_what_painting_changed_times_the_dissimilarity(method):
    x, restored = pictures(2), pictures(4)[2:]
    with torch.no_grad():
        found = method._anomaly(x, restored)
        mask = method._inpainting_mask(method._coarse_map(x, restored), method.threshold_)
        y = method._inpaint(x, mask)
        expected = ((x - y).abs() * method.net_["unlike"](y, x))[:, 0]
    torch.testing.assert_close(found, expected)
    assert (found[mask[:, 0] == 0] == 0).all() and found.max() > 0


def inpainter(adversarial=True):
    torch.manual_seed(0)
    return Inpainter(Generator(1, 4), Critic(1, 4) if adversarial else None, None, lr=1e-3)


def square(n=4):
    mask = torch.zeros(n, 1, 64, 64)
    mask[:, :, 24:40, 24:40] = 1
    return mask


def test_the_painter_learns_what_to_fill_in():
    one, x, mask = inpainter(), pictures(1).expand(4, -1, -1, -1) * 0.2 + 0.4, square()
    losses = [one.update(x, mask, Context()).generator.item() for _ in range(30)]
    assert losses[-1] < 0.6 * losses[0]


def test_both_losses_of_the_painter_are_the_sum_of_their_terms():
    one, other, x, mask = inpainter(), inpainter(), pictures(), square()
    found = one.update(x, mask, Context())
    guess = other.generator(masked_input(x, mask))
    whole = composite(x, guess, mask)
    judged = critic_loss(other.critic(x), other.critic(whole.detach()), mask)
    assert found.critic.item() == pytest.approx(judged.item(), rel=1e-5)
    other._critic_step(x, whole.detach(), mask, Context())
    texture = (x - guess).abs().mean() + gradient_loss(x, guess)
    expected = texture + ADVERSARIAL * adversarial_loss(other.critic(whole), mask)
    assert found.generator.item() == pytest.approx(expected.item(), rel=1e-3)
    assert expected.item() > texture.item()


@pytest.mark.parametrize("fooling", [0.0, ADVERSARIAL])
def test_an_update_moves_the_generator_by_the_critic_s_answer_too(monkeypatch, fooling):
    """The published code adds the term to a sum that is never followed back."""
    monkeypatch.setattr("uad_methods.parts.training.inpainter.ADVERSARIAL", 100 * fooling)
    one, other, x, mask = inpainter(), inpainter(adversarial=False), pictures(), square()
    assert torch.equal(one.generator[1].weight, other.generator[1].weight)
    for each in (one, other):
        each.update(x, mask, Context())
    same = torch.equal(one.generator[1].weight.grad, other.generator[1].weight.grad)
    assert same == (fooling == 0)


def test_the_generator_s_step_leaves_nothing_in_the_critic():
    one, other, x, mask = inpainter(), inpainter(), pictures(), square()
    whole = composite(x, other.generator(masked_input(x, mask)), mask).detach()
    one.update(x, mask, Context())
    other._critic_step(x, whole, mask, Context())
    for a, b in zip(one.critic.parameters(), other.critic.parameters(), strict=True):
        assert torch.equal(a, b) and torch.equal(a.grad, b.grad)
    assert not any(p.requires_grad for p in one.critic.parameters())


@pytest.mark.parametrize(
    "odd", [{"sampled": True}, {"cut": "slice"}, {"adversarial": False}, {"train_cut": 0.1}]
)
def test_without_weights_there_is_one_name_and_nothing_else_runs(odd):
    assert variant(PHANES(**NOPERC)) == "noperc"
    with pytest.raises(UsageError, match="neither the paper's method nor a variant"):
        PHANES(**{**NOPERC, **odd})


@pytest.mark.parametrize("odd", [
    {"sampled": True}, {"cut": "slice"}, {"adversarial": False}, {"train_cut": 0.0},
    {"adversarial": False, "cut": "slice"},
])  # fmt: skip
def test_with_all_weights_only_the_paper_s_parts_are_phanes(odd):
    files = dict.fromkeys(("squeezenet", "heads", "vgg19"), "a.pth")
    assert (
        variant(PHANES(**files)) == "" and variant(PHANES(**files, **PHANES.variants["shipped"])) == "shipped"
    )
    with pytest.raises(UsageError, match="neither the paper's method nor a variant"):
        PHANES(**files, **odd)


def test_without_an_adversary_there_is_no_critic(scans):
    method = PHANES(**NOPERC)
    method.adversarial, method.cut = False, "slice"  # of phanes:shipped, which has weights
    method.fit(scans, scans, Context())
    assert "critic" not in method.net_ and method.threshold_ == 0
    assert inpainter(adversarial=False).state.keys() == {"generator", "for_generator"}
    with torch.no_grad():
        assert (method._anomaly(pictures(), pictures().flip(0)).amax(dim=(1, 2)) > 0).all()


def test_masks_of_training_are_ellipses_and_what_is_suspected(method):
    x, restored = pictures(2), pictures(4)[2:]
    flagged = method._inpainting_mask(method._coarse_map(x, restored), 0.0)
    first, second = (method._training_mask(x, restored, np.random.default_rng(seed)) for seed in (0, 1))
    assert (first >= flagged).all() and (second >= flagged).all() and not torch.equal(first, second)
    assert first.sum() > flagged.sum()


def test_a_spot_scores_higher_than_its_place_before():
    scans = toy_scans(3, shape=(64, 64, 6))
    method = fitted(scans, steps=20, lr=2e-3)
    before, after = spot_before_and_after(method, scans[0])
    assert after > 2 * before


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
def test_odd_grids_and_several_channels_give_maps_that_are_zero_outside(modalities):
    scans = toy_scans(2, modalities, shape=(33, 21, 5))
    found = fitted(scans).score(scans[0], Context())
    assert found.shape == (33, 21, 5) and (found[~scans[0].brain_mask] == 0).all() and found.min() >= 0


def test_a_batch_of_slices_is_scored_as_one_by_one(method, scans):
    together = method.score(scans[0], Context())
    single = method.score_slices(scans[0], Context(), method._scorer(scans[0], Context()), 1)
    unlike = np.abs(together - single) > 1e-5  # a pixel at the threshold may fall on either side
    assert unlike.mean() < 1e-3


@pytest.mark.parametrize(
    "wrong", [{}, {"likeness": "none"}, {"likeness": "ssim", "vgg19": "v.pth"}, {"likeness": "ssim", "side": 32},
              {"likeness": "ssim", "equalise": False}, {"squeezenet": "s.pth", "heads": "h.pth"}]
)  # fmt: skip
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(UsageError) as refusal:
        PHANES(**wrong)
    assert "\n" not in str(refusal.value)


def test_names_of_what_is_not_the_paper_s():
    assert variant(PHANES(**NOPERC)) == "noperc"
    given = {"squeezenet": "s", "heads": "h", "vgg19": "v"}
    assert variant(PHANES(**given)) == "" and PHANES(**given).seen() == ("imagenet",)
    assert variant(PHANES(**given, **PHANES.variants["shipped"])) == "shipped"


def test_given_weights_of_three_files_are_used_and_only_lpips_is_stored(tmp_path, scans):
    torch.manual_seed(3)
    lpips, vgg, given = LPIPS(), VGG19(), {}
    for name, part in (("squeezenet", lpips.trunk), ("heads", lpips.heads), ("vgg19", vgg)):
        path = tmp_path / f"{name}.safetensors"
        save_file(part.state_dict(), path)
        given |= {name: str(path), f"{name}_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    method = PHANES(**{**PHANES.tiny, **given, "steps": 1})
    method.fit(scans, scans, Context())
    assert method.weights_ == tuple(given[f"{name}_sha256"] for name in ("squeezenet", "heads", "vgg19"))
    names = method.net_.state_dict()
    assert any(key.startswith("unlike.lpips") for key in names) and "vgg" not in " ".join(names)


def test_a_resume_is_bit_equal(tmp_path):
    assert_resume_is_bit_equal(lambda: PHANES(**NOPERC), "phanes", tmp_path)


def test_training_in_bf16_gives_a_finite_map(scans):
    ctx, method = Context(precision="bf16"), PHANES(**NOPERC)
    method.fit(scans, scans, ctx)
    assert np.isfinite(method.score(scans[0], ctx)).all()
