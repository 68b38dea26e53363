"""PHANES: thresholds, masks, map, names, weights, resumed training."""

import hashlib

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy import ndimage

from tests.helpers.known_noise import mean_score_before_and_after
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.parts.images.square import to_square
from uad_methods.parts.networks.aot import Critic, Generator
from uad_methods.parts.networks.lpips import LPIPS
from uad_methods.parts.networks.vgg19 import VGG19
from uad_methods.parts.training.inpainter import Inpainter
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


def random_images(n=4, channels=1):
    return torch.rand(n, channels, 64, 64, generator=torch.Generator().manual_seed(1))


def test_without_a_threshold_each_slice_has_its_own(method):
    levels = maps() * torch.tensor([1.0, 10, 0.1, 3])[:, None, None]
    found = method._inpainting_mask(levels, 0.0)
    order = [2, 0, 3, 1]
    assert torch.equal(method._inpainting_mask(levels[order], 0.0), found[order])
    torch.testing.assert_close(found, method._inpainting_mask(maps(), 0.0))
    above = levels > levels.flatten(1).quantile(0.95, dim=1)[:, None, None]
    assert above.flatten(1).float().mean(1).tolist() == pytest.approx([0.05] * 4, abs=0.001)
    assert (found[:, 0] >= above.float()).all() and found.mean() > 0.1


def test_a_given_threshold_applies_to_all_slices_and_masks_are_dilated(method):
    spots = torch.zeros(2, 64, 64)
    spots[0, 28:33, 28:33], spots[1, 28:33, 28:33] = 0.2, 0.1
    found = method._inpainting_mask(spots, 0.15)[:, 0]
    expected = ndimage.gaussian_filter((spots[0] > 0.15).double().numpy(), 1.2) > 0.1
    assert found[1].sum() == 0 and np.array_equal(found[0].numpy(), expected)
    assert found[0, 28:33, 28:33].all() and found[0].sum() > 45


def test_the_coarse_map_is_the_relative_difference_times_the_dissimilarity(method, monkeypatch):
    monkeypatch.setattr("uad_methods.phanes.clahe", lambda v: v)
    a, b = random_images(3), random_images(4)[1:]
    error = (a - b).abs().numpy()
    top = np.quantile(error, 0.95, axis=(2, 3), keepdims=True)
    expected = np.minimum(error / (top + 1e-8), 1) * method.net_["unlike"](a, b).numpy()
    np.testing.assert_allclose(method._coarse_map(a, b), expected[:, 0], rtol=1e-4, atol=1e-6)


def test_inpainted_slices_are_unchanged_outside_the_mask(method):
    x, mask = random_images(), torch.zeros(4, 1, 64, 64)
    mask[:, :, 20:30, 10:50] = 1
    with torch.no_grad():
        y = method._inpaint(x, mask)
    outside = mask == 0
    assert torch.equal(y[outside], x[outside]) and not torch.equal(y[~outside], x[~outside])
    assert y.min() >= 0 and y.max() <= 1


def test_a_threshold_above_all_values_gives_an_empty_map(scans):
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


def test_the_score_is_the_inpainting_difference_times_the_dissimilarity(method):
    x, restored = random_images(2), random_images(4)[2:]
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


@pytest.mark.parametrize(
    "settings", [{"sampled": True}, {"cut": "slice"}, {"adversarial": False}, {"train_cut": 0.1}]
)
def test_without_weights_only_the_named_variant_runs(settings):
    assert variant(PHANES(**NOPERC)) == "noperc"
    with pytest.raises(UsageError, match="neither the paper's method nor a variant"):
        PHANES(**{**NOPERC, **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"sampled": True},
        {"cut": "slice"},
        {"adversarial": False},
        {"train_cut": 0.0},
        {"adversarial": False, "cut": "slice"},
    ],
)
def test_with_all_weights_only_the_paper_s_hyper_parameters_are_phanes(settings):
    files = dict.fromkeys(("squeezenet", "heads", "vgg19"), "a.pth")
    assert (
        variant(PHANES(**files)) == "" and variant(PHANES(**files, **PHANES.variants["shipped"])) == "shipped"
    )
    with pytest.raises(UsageError, match="neither the paper's method nor a variant"):
        PHANES(**files, **settings)


def test_without_adversarial_training_there_is_no_critic(scans):
    method = PHANES(**NOPERC)
    method.adversarial, method.cut = False, "slice"  # as phanes:shipped, which needs weights
    method.fit(scans, scans, Context())
    assert "critic" not in method.net_ and method.threshold_ == 0
    assert inpainter(adversarial=False).state.keys() == {"generator", "for_generator"}
    with torch.no_grad():
        assert (method._anomaly(random_images(), random_images().flip(0)).amax(dim=(1, 2)) > 0).all()


def test_training_masks_contain_ellipses_and_flagged_regions(method):
    x, restored = random_images(2), random_images(4)[2:]
    flagged = method._inpainting_mask(method._coarse_map(x, restored), 0.0)
    first, second = (method._training_mask(x, restored, np.random.default_rng(seed)) for seed in (0, 1))
    assert (first >= flagged).all() and (second >= flagged).all() and not torch.equal(first, second)
    assert first.sum() > flagged.sum()


def test_an_inserted_lesion_raises_the_score():
    scans = toy_scans(3, shape=(64, 64, 6))
    method = fitted(scans, steps=20, lr=2e-3)
    before, after = mean_score_before_and_after(method, scans[0])
    assert after > 2 * before


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities):
    scans = toy_scans(2, modalities, shape=(33, 21, 5))
    found = fitted(scans).score(scans[0], Context())
    assert found.shape == (33, 21, 5) and (found[~scans[0].brain_mask] == 0).all() and found.min() >= 0


def test_a_batch_of_slices_scores_as_single_slices(method, scans):
    together = method.score(scans[0], Context())
    single = method.score_slices(scans[0], Context(), method._scorer(scans[0], Context()), 1)
    differs = np.abs(together - single) > 1e-5  # pixels at the threshold may be inside or outside the mask
    # A pixel at the threshold also changes what is painted around it: 1.1 % of the pixels differ on one processor.
    assert differs.mean() < 3e-2


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"likeness": "none"},
        {"likeness": "ssim", "vgg19": "v.pth"},
        {"likeness": "ssim", "side": 32},
        {"likeness": "ssim", "equalise": False},
        {"squeezenet": "s.pth", "heads": "h.pth"},
    ],
)
def test_invalid_hyper_parameters_are_refused(wrong):
    with pytest.raises(UsageError) as refusal:
        PHANES(**wrong)
    assert "\n" not in str(refusal.value)


def test_variants_have_their_names():
    assert variant(PHANES(**NOPERC)) == "noperc"
    given = {"squeezenet": "s", "heads": "h", "vgg19": "v"}
    assert variant(PHANES(**given)) == "" and PHANES(**given).seen() == ("imagenet",)
    assert variant(PHANES(**given, **PHANES.variants["shipped"])) == "shipped"


def test_weights_of_three_files_are_used_and_only_lpips_is_stored(tmp_path, scans):
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
