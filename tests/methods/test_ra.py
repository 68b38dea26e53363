"""RA: the card's counts, both losses from their definition, halves that leave each other alone, names, any grid."""

import hashlib

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.helpers.known_noise import spot_before_and_after
from tests.helpers.networks import weight_count
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.parts.images.dissimilarity import Dissimilarity
from uad_methods.parts.networks.introvae import Decoder, Encoder
from uad_methods.parts.networks.lpips import LPIPS
from uad_methods.parts.training.softintro import SoftIntro, Weights, embedding_loss
from uad_methods.ra import RA

SSIM = {**RA.tiny, "likeness": "ssim"}
SEED = 5


def fitted(scans, **parameters):
    method = RA(**{**SSIM, **parameters})
    method.fit(scans, scans, Context())
    return method


@pytest.mark.parametrize(("side", "weights"), [(128, 29_430_785), (96, 28_050_945)])
def test_the_networks_have_as_many_weights_as_the_card_says(side, weights):
    assert weight_count(Encoder(1, side, 64, 128)) + weight_count(Decoder(1, side, 64, 128)) == weights


def test_five_levels_of_features_and_a_picture_of_the_same_size():
    encoder, decoder = Encoder(2, 128, 4, 8), Decoder(2, 128, 4, 8)
    code = encoder(torch.rand(2, 2, 128, 128))
    shapes = [tuple(f.shape[1:]) for f in code.features]
    assert shapes == [(4, 64, 64), (8, 32, 32), (16, 16, 16), (32, 8, 8), (32, 4, 4)]
    made = decoder(code.mean)
    assert made.shape == (2, 2, 128, 128) and made.min() >= 0 and made.max() <= 1


@pytest.fixture
def pair():
    torch.manual_seed(0)
    halves = Encoder(1, 32, 4, 8), Decoder(1, 32, 4, 8)
    return SoftIntro(*halves, Weights(), lr=1e-3)


def images():
    return torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def f64(tensor):
    return tensor.detach().double().numpy()


def kl(code):
    mean, log_var = f64(code.mean), f64(code.log_var)
    return 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)


def mse(a, b):
    return ((f64(a) - f64(b)) ** 2).sum(axis=(1, 2, 3))


def noise(code, rng):
    return code.mean + torch.randn(3, 8, generator=rng) * torch.exp(code.log_var / 2)


def embedded(first, second):
    total = 0
    for one, other in zip(first.features, second.features, strict=True):
        a, b = f64(one).reshape(3, -1), f64(other).reshape(3, -1)
        cosine = (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))
        total += 0.5 * ((a - b) ** 2).mean() + (1 - cosine).mean()
    return total


def test_the_encoder_s_loss_is_that_of_its_definition_in_float64(pair):
    rng, x, s = torch.Generator().manual_seed(SEED), images(), 1 / 32**2
    real = pair.encoder(x)
    z, n = noise(real, rng), torch.randn(3, 8, generator=rng)
    rec, fake = pair.decoder(z), pair.decoder(n)
    again, unreal = pair.encoder(rec), pair.encoder(fake)
    echoes = pair.decoder(noise(again, rng)), pair.decoder(noise(unreal, rng))
    expected = s * (0.5 * mse(x, rec).mean() + kl(real).mean()) + 0.005 * embedded(real, again)
    for made, echo, code in ((rec, echoes[0], again), (fake, echoes[1], unreal)):
        expected += 0.25 * np.exp(-2 * s * (0.5 * mse(made, echo) + 128 * kl(code))).mean()
    found, code, same = pair.encoder_loss(x, torch.Generator().manual_seed(SEED), Context())
    assert found.item() == pytest.approx(expected, rel=1e-5)
    assert torch.equal(same, n) and torch.equal(code, z.detach())


def test_the_decoder_s_loss_is_that_of_its_definition_in_float64(pair):
    rng, x = torch.Generator().manual_seed(SEED), images()
    z, n = torch.randn(3, 8, generator=rng), torch.randn(3, 8, generator=rng)
    rec, fake = pair.decoder(z), pair.decoder(n)
    again, unreal = pair.encoder(rec), pair.encoder(fake)
    echoes = [pair.decoder(noise(code, rng)) for code in (again, unreal)]
    echoed = mse(rec, echoes[0]) + mse(fake, echoes[1])
    whole = 0.5 * mse(x, rec) + 0.5 * (kl(again) + kl(unreal)) + 0.5 * 0.5 * 1e-8 * echoed
    same = torch.Generator().manual_seed(SEED)
    given = torch.randn(3, 8, generator=same), torch.randn(3, 8, generator=same)
    found, restored = pair.decoder_loss(x, *given, same, Context())
    assert found.item() == pytest.approx(whole.mean() / 32**2, rel=1e-5)
    assert torch.equal(restored, rec) and not restored.requires_grad


def test_equal_features_cost_nothing_and_opposite_ones_do():
    features = [torch.rand(3, 4, 8, 8), torch.rand(3, 8, 4, 4)]
    assert float(embedding_loss(features, features)) == pytest.approx(0, abs=1e-6)
    opposite = [-f for f in features]
    expected = sum(2 * (f**2).mean() + 2 for f in features)
    assert float(embedding_loss(features, opposite)) == pytest.approx(float(expected), rel=1e-5)


def moved(pair, half):
    """Names of the halves whose weights one step of `half` changed, and those that hold a gradient."""
    before = {k: [p.clone() for p in getattr(pair, k).parameters()] for k in ("encoder", "decoder")}
    pair._train_only(getattr(pair, half))
    rng = torch.Generator().manual_seed(0)
    code = torch.randn(3, 8, generator=rng)
    is_encoder = half == "encoder"
    loss = (pair.encoder_loss(images(), rng, Context()) if is_encoder
            else pair.decoder_loss(images(), code, code, rng, Context()))[0]  # fmt: skip
    loss.backward()
    (pair.for_encoder if is_encoder else pair.for_decoder).step()
    halves = {name: list(getattr(pair, name).parameters()) for name in before}
    changed = {k for k, p in halves.items() if not all(map(torch.equal, p, before[k]))}
    return changed, {k for k, p in halves.items() if any(w.grad is not None for w in p)}


@pytest.mark.parametrize("half", ["encoder", "decoder"])
def test_a_step_of_one_half_leaves_the_other_as_it_is(pair, half):
    assert moved(pair, half) == ({half}, {half})


def test_the_divergence_of_what_is_made_reaches_the_decoder(pair):
    pair.weights = Weights(rec=0.0)
    pair._train_only(pair.decoder)
    code = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    pair.decoder_loss(images(), code, code, torch.Generator(), Context())[0].backward()
    assert all(p.grad.abs().sum() > 0 for p in pair.decoder[-2].parameters())


def test_training_restores_held_out_slices_better():
    errors, ctx, scans = [], Context(), toy_scans(3)
    ctx.policy.sink = lambda v: errors.append(v["validation"]) if "validation" in v else None
    RA(**{**SSIM, "steps": 40, "lr": 2e-3}).fit(scans, scans, ctx)
    assert len(errors) == 10 and min(errors[5:]) < 0.7 * errors[0]


@pytest.mark.parametrize("name", ["ssim", "clahe", "l1"])
def test_what_is_restored_as_it_was_scores_nothing(name):
    method = RA(**{**RA.tiny, **RA.variants[name]})
    method.net_ = torch.nn.ModuleDict({"unlike": Dissimilarity(method.likeness)})
    x = torch.rand(2, 2, 32, 32)
    assert (method._anomaly(x, x) == 0).all()
    assert variant(method) == name


def test_the_score_is_the_product_of_its_three_parts(monkeypatch):
    method = RA(**SSIM)
    method.net_ = torch.nn.ModuleDict({"unlike": Dissimilarity("ssim")})
    monkeypatch.setattr("uad_methods.ra.clahe", lambda v: v**2)
    a, b = torch.rand(2, 2, 32, 32), torch.rand(2, 2, 32, 32)
    unlike = Dissimilarity("ssim")
    expected = (a**2 - b**2).abs() * unlike(a, b) * unlike(a**2, b**2)
    torch.testing.assert_close(method._anomaly(a, b), expected.mean(dim=1))


def test_a_spot_scores_higher_than_its_place_before():
    scans = toy_scans(4, shape=(64, 64, 6))
    method = fitted(scans, side=64, steps=30, lr=2e-3)
    before, after = spot_before_and_after(method, scans[0])
    assert after > 2 * before


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
def test_odd_grids_and_several_channels_give_maps_that_are_zero_outside(modalities):
    scans = toy_scans(2, modalities, shape=(33, 21, 5))
    found = fitted(scans).score(scans[0], Context())
    assert found.shape == (33, 21, 5) and (found[~scans[0].brain_mask] == 0).all()
    assert found.min() >= 0 and found.max() > 0


@pytest.mark.parametrize("sampled", [False, True])
def test_a_batch_of_slices_is_scored_as_one_by_one(sampled):
    scan = toy_scans(1)[0]
    method = fitted([scan, scan], likeness="none", equalise=False)
    method.sampled = sampled
    single = method.score_slices(scan, Context(), method._scorer(scan, Context()), 1)
    np.testing.assert_allclose(method.score(scan, Context()), single, atol=1e-5)


def test_codes_are_means_unless_they_are_to_be_drawn():
    scan = toy_scans(1)[0]
    method = fitted([scan, scan])
    still, other = (method.score(scan, Context(seed=seed)) for seed in (0, 1))
    assert np.array_equal(still, other)
    method.sampled = True
    drawn, again, other = (method.score(scan, Context(seed=seed)) for seed in (0, 0, 1))
    assert (
        np.array_equal(drawn, again) and not np.array_equal(drawn, still) and not np.array_equal(drawn, other)
    )


def test_without_weights_the_paper_s_name_is_refused_in_one_line():
    with pytest.raises(UsageError, match="needs the weights of LPIPS") as refusal:
        RA()
    assert "ra:ssim" in refusal.value.hint and "\n" not in str(refusal.value)


@pytest.mark.parametrize("parts", [
    {"likeness": "ssim", "sampled": True}, {"likeness": "ssim", "equalise": False},
    {"likeness": "none", "sampled": True},
    {"squeezenet": "a.pth", "heads": "b.pth", "equalise": False},
])  # fmt: skip
def test_what_is_neither_the_paper_s_nor_a_named_variant_never_runs_under_the_paper_s_name(parts):
    with pytest.raises(UsageError, match="neither the paper's method nor a variant"):
        RA(**parts)


def test_every_variant_is_called_what_it_was_asked_for():
    files = {"squeezenet": "a.pth", "heads": "b.pth"}
    for name, parts in RA.variants.items():
        assert variant(RA(**parts, **(files if parts["likeness"] == "lpips" else {}))) == name
    assert variant(RA(**files)) == ""


def test_augmented_slices_are_what_is_trained_on():
    (scan,) = toy_scans(1)
    ctx = Context()
    stack, shown = SliceStack([scan], ctx), {}
    for augment in (False, True):
        method = RA(**SSIM, augment=augment)
        shown[augment] = method._training_batch(stack, 3, ctx)
        assert torch.equal(shown[augment], method._training_batch(stack, 3, ctx))
    assert torch.equal(shown[False], method._network_input(stack.batch(3, method.batch).image))
    assert not torch.equal(shown[False], shown[True])


def test_fit_trains_on_the_slices_that_are_drawn(monkeypatch):
    (scan,) = toy_scans(1)
    method, taken = RA(**SSIM), []
    usual = SoftIntro.update

    def update(pair, images, rng, ctx):
        taken.append(images)
        return usual(pair, images, rng, ctx)

    monkeypatch.setattr(SoftIntro, "update", update)
    method.fit([scan], [scan], Context())
    wanted = [
        method._training_batch(SliceStack([scan], Context()), step, Context()) for step in range(method.steps)
    ]
    assert len(taken) == len(wanted) and all(map(torch.equal, taken, wanted))


@pytest.mark.parametrize("wrong", [{"side": 48}, {"side": 0}, {"squeezenet": "a.pth", "heads": "b.pth"}])
def test_what_cannot_be_is_refused(wrong):
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


def test_given_weights_are_read_stored_and_make_the_paper_s_row(tmp_path):
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


def test_training_in_bf16_gives_a_finite_map():
    scans, ctx = toy_scans(2), Context(precision="bf16")
    method = RA(**SSIM)
    method.fit(scans, scans, ctx)
    assert np.isfinite(method.score(scans[0], ctx)).all()
