"""RA: map, sampled codes, names, augmentation, weights, resumed training."""

import hashlib

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.helpers.known_noise import mean_score_before_and_after
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.parts.images.dissimilarity import Dissimilarity
from uad_methods.parts.networks.introvae import Decoder, Encoder
from uad_methods.parts.networks.lpips import LPIPS
from uad_methods.parts.training.softintro import SoftIntro, Weights
from uad_methods.ra import RA

SSIM = {**RA.tiny, "likeness": "ssim"}


def fitted(scans, **parameters):
    method = RA(**{**SSIM, **parameters})
    method.fit(scans, scans, Context())
    return method


@pytest.fixture
def pair():
    torch.manual_seed(0)
    halves = Encoder(1, 32, 4, 8), Decoder(1, 32, 4, 8)
    return SoftIntro(*halves, Weights(), lr=1e-3)


def images():
    return torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def test_training_lowers_the_validation_error():
    errors, ctx, scans = [], Context(), toy_scans(3)
    ctx.policy.sink = lambda v: errors.append(v["validation"]) if "validation" in v else None
    RA(**{**SSIM, "steps": 40, "lr": 2e-3}).fit(scans, scans, ctx)
    assert len(errors) == 10 and min(errors[5:]) < 0.7 * errors[0]


@pytest.mark.parametrize("name", ["ssim", "clahe", "l1"])
def test_a_perfect_restoration_scores_zero(name):
    method = RA(**{**RA.tiny, **RA.variants[name]})
    method.net_ = torch.nn.ModuleDict({"unlike": Dissimilarity(method.likeness)})
    x = torch.rand(2, 2, 32, 32)
    assert (method._anomaly(x, x) == 0).all()
    assert variant(method) == name


def test_the_score_is_the_product_of_its_three_factors(monkeypatch):
    method = RA(**SSIM)
    method.net_ = torch.nn.ModuleDict({"unlike": Dissimilarity("ssim")})
    monkeypatch.setattr("uad_methods.ra.clahe", lambda v: v**2)
    a, b = torch.rand(2, 2, 32, 32), torch.rand(2, 2, 32, 32)
    unlike = Dissimilarity("ssim")
    expected = (a**2 - b**2).abs() * unlike(a, b) * unlike(a**2, b**2)
    torch.testing.assert_close(method._anomaly(a, b), expected.mean(dim=1))


def test_an_inserted_lesion_raises_the_score():
    scans = toy_scans(4, shape=(64, 64, 6))
    method = fitted(scans, side=64, steps=30, lr=2e-3)
    before, after = mean_score_before_and_after(method, scans[0])
    assert after > 2 * before


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities):
    scans = toy_scans(2, modalities, shape=(33, 21, 5))
    found = fitted(scans).score(scans[0], Context())
    assert found.shape == (33, 21, 5) and (found[~scans[0].brain_mask] == 0).all()
    assert found.min() >= 0 and found.max() > 0


@pytest.mark.parametrize("sampled", [False, True])
def test_a_batch_of_slices_scores_as_single_slices(sampled):
    scan = toy_scans(1)[0]
    method = fitted([scan, scan], likeness="none", equalise=False)
    method.sampled = sampled
    single = method.score_slices(scan, Context(), method._scorer(scan, Context()), 1)
    np.testing.assert_allclose(method.score(scan, Context()), single, atol=1e-5)


def test_codes_are_means_unless_sampled_is_set():
    scan = toy_scans(1)[0]
    method = fitted([scan, scan])
    still, other = (method.score(scan, Context(seed=seed)) for seed in (0, 1))
    assert np.array_equal(still, other)
    method.sampled = True
    drawn, again, other = (method.score(scan, Context(seed=seed)) for seed in (0, 0, 1))
    assert (
        np.array_equal(drawn, again) and not np.array_equal(drawn, still) and not np.array_equal(drawn, other)
    )


def test_the_paper_s_method_is_refused_without_weights():
    with pytest.raises(UsageError, match="needs the weights of LPIPS") as refusal:
        RA()
    assert "ra:ssim" in refusal.value.hint and "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "parts",
    [
        {"likeness": "ssim", "sampled": True},
        {"likeness": "ssim", "equalise": False},
        {"likeness": "none", "sampled": True},
        {"squeezenet": "a.pth", "heads": "b.pth", "equalise": False},
    ],
)
def test_hyper_parameters_without_a_name_are_refused(parts):
    with pytest.raises(UsageError, match="neither the paper's method nor a variant"):
        RA(**parts)


def test_every_variant_has_its_name():
    files = {"squeezenet": "a.pth", "heads": "b.pth"}
    for name, parts in RA.variants.items():
        assert variant(RA(**parts, **(files if parts["likeness"] == "lpips" else {}))) == name
    assert variant(RA(**files)) == ""


def test_training_slices_are_augmented_if_augment_is_set():
    (scan,) = toy_scans(1)
    ctx = Context()
    stack, batches = SliceStack([scan], ctx), {}
    for augment in (False, True):
        method = RA(**SSIM, augment=augment)
        batches[augment] = method._training_batch(stack, 3, ctx)
        assert torch.equal(batches[augment], method._training_batch(stack, 3, ctx))
    assert torch.equal(batches[False], method._network_input(stack.batch(3, method.batch).image))
    assert not torch.equal(batches[False], batches[True])


def test_fit_uses_the_training_batches(monkeypatch):
    (scan,) = toy_scans(1)
    method, taken = RA(**SSIM), []
    original = SoftIntro.update

    def update(pair, images, rng, ctx):
        taken.append(images)
        return original(pair, images, rng, ctx)

    monkeypatch.setattr(SoftIntro, "update", update)
    method.fit([scan], [scan], Context())
    wanted = [
        method._training_batch(SliceStack([scan], Context()), step, Context()) for step in range(method.steps)
    ]
    assert len(taken) == len(wanted) and all(map(torch.equal, taken, wanted))


@pytest.mark.parametrize("wrong", [{"side": 48}, {"side": 0}, {"squeezenet": "a.pth", "heads": "b.pth"}])
def test_invalid_hyper_parameters_are_refused(wrong):
    with pytest.raises(UsageError):
        RA(**{"likeness": "ssim", **wrong})


def lpips_files(folder):
    """Random weights of LPIPS in two files, as parameters of a method; the network itself."""
    torch.manual_seed(3)
    net = LPIPS()
    for head in net.heads.parameters():
        head.abs_()
    found = {}
    for name, part in (("squeezenet", net.trunk), ("heads", net.heads)):
        path = folder / f"{name}.safetensors"
        save_file(part.state_dict(), path)
        found |= {name: str(path), f"{name}_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    return net, found


def test_given_weights_are_loaded_and_stored(tmp_path):
    (tmp_path / "given").mkdir()
    net, files = lpips_files(tmp_path / "given")
    scans, method = toy_scans(2), RA(**{**RA.tiny, **files})
    method.fit(scans, scans, Context())
    assert method.weights_ == (files["squeezenet_sha256"], files["heads_sha256"])
    assert variant(method) == "" and method.seen() == ("imagenet",)
    a, b = torch.rand(2, 1, 32, 32), torch.rand(2, 1, 32, 32)
    assert torch.equal(method._network("unlike", Dissimilarity).lpips(a, b), net(a, b))
    found = method.score(scans[0], Context())
    (tmp_path / "kept").mkdir()
    method.save(tmp_path / "kept")
    again = RA(**{**RA.tiny, **files})
    again.load(tmp_path / "kept", Context())
    assert np.array_equal(again.score(scans[0], Context()), found) and found.max() > 0


def test_a_resume_is_bit_equal(tmp_path):
    assert_resume_is_bit_equal(lambda: RA(**SSIM), "ra", tmp_path)
