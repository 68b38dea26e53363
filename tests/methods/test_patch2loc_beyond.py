"""Patch2Loc beyond its paper: other beliefs, several networks, neighbours, mirror images, what is usual."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import logsumexp

from tests.helpers.patch2loc import TRAIN, VAL, fitted, scan, tiny
from uad_bench import Context
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_methods.patch2loc import Patch2Loc
from uad_methods.patch2loc.belief import SIZES, belief_loss, product, score_terms
from uad_methods.patch2loc.ensemble import Ensemble, Part, parts
from uad_methods.patch2loc.mean_map import mean_score_map
from uad_methods.patch2loc.mirror import mirror_maps, mirror_slices, unmirror_prediction
from uad_methods.patch2loc.neighbour_slices import ScansWithNeighbours, with_neighbours
from uad_methods.patch2loc.patches import Positions, cut, locations, padded
from uad_methods.patch2loc.scoring import Prediction

LN_2PI = np.log(2 * np.pi)
BEYOND: list[dict[str, Any]] = [
    {"belief": "full"}, {"belief": "mixture"}, {"scales": (12,)}, {"neighbours": 1}, {"flips": True}, {"usual": 3},
    {"belief": "mixture", "scales": (12,), "neighbours": 1, "flips": True, "usual": 2},
]  # fmt: skip


def beliefs(name: str, k: int = 5) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng, sizes = np.random.default_rng(7), SIZES[name]
    shapes = (
        rng.normal(50, 9, (k, sizes.mean)),
        rng.normal(1, 0.7, (k, sizes.spread)),
        rng.normal(50, 9, (k, 2)),
    )
    mean, spread, target = (torch.from_numpy(one) for one in shapes)
    return mean.requires_grad_(), spread.requires_grad_(), target


def covariance(row: np.ndarray) -> np.ndarray:
    across = np.tanh(row[2]) * np.exp(0.5 * (row[0] + row[1]))
    return np.array([[np.exp(row[0]), across], [across, np.exp(row[1])]])


def test_a_full_belief_is_the_bivariate_normal() -> None:
    mean, spread, target = beliefs("full")
    m, s, t = (one.detach().numpy() for one in (mean, spread, target))
    logs = [stats.multivariate_normal(m[i], covariance(s[i])).logpdf(t[i]) + LN_2PI for i in range(len(m))]
    assert belief_loss("full", mean, spread, target, 0.0).item() == pytest.approx(-np.mean(logs), rel=1e-10)
    half_log_det = [0.5 * np.linalg.slogdet(covariance(row))[1] for row in s]
    found = score_terms("full", mean, spread, target)
    np.testing.assert_allclose(found.log_spread.detach(), half_log_det, rtol=1e-5)
    np.testing.assert_allclose(found.log_error.detach(), np.log(((m - t) ** 2).sum(1)), rtol=1e-4)


def test_without_correlation_a_full_belief_scores_as_a_diagonal_one() -> None:
    mean, spread, target = beliefs("diagonal")
    wider = torch.cat([spread, torch.zeros(len(spread), 1)], dim=1)
    torch.testing.assert_close(
        score_terms("full", mean, wider, target), score_terms("diagonal", mean, spread, target)
    )


def test_a_mixture_is_two_normals() -> None:
    mean, spread, target = beliefs("mixture")
    m, s, t = (one.detach().numpy() for one in (mean, spread, target))
    first = 1 / (1 + np.exp(-s[:, 4]))
    joint = np.stack([
        np.log(weight) + stats.norm(m[:, c : c + 2], np.exp(0.5 * s[:, c : c + 2])).logpdf(t).sum(1) + LN_2PI
        for c, weight in ((0, first), (2, 1 - first))
    ])  # fmt: skip
    loss = belief_loss("mixture", mean, spread, target, 0.0).item()
    assert loss == pytest.approx(-logsumexp(joint, axis=0).mean(), rel=1e-10)
    found, best = score_terms("mixture", mean, spread, target), joint.argmax(0)
    for i, c in enumerate(best):
        error = ((m[i, 2 * c : 2 * c + 2] - t[i]) ** 2).sum()
        log_spread = 0.5 * s[i, 2 * c : 2 * c + 2].sum() - np.log([first[i], 1 - first[i]][c])
        assert found.log_error[i].item() == pytest.approx(np.log(error), abs=1e-4)
        assert found.log_spread[i].item() == pytest.approx(log_spread, abs=1e-4)


@pytest.mark.parametrize("name", ["full", "mixture"])
def test_the_weight_of_a_patch_has_no_gradient(name: str) -> None:
    mean, spread, target = beliefs(name, 1)
    plain = torch.autograd.grad(belief_loss(name, mean, spread, target, 0.0), (mean, spread))
    weighted = torch.autograd.grad(belief_loss(name, mean, spread, target, 0.5), (mean, spread))
    ratios = torch.cat([(w / p)[p != 0] for w, p in zip(weighted, plain, strict=True)])
    assert ratios.std() < 1e-9 * ratios.mean()
    assert ratios.mean() != pytest.approx(1.0)


def test_a_product_of_experts_adds_precisions() -> None:
    means, spreads = [torch.tensor([[10.0, 0.0]]), torch.tensor([[40.0, 8.0]])], [torch.zeros(1, 2)] * 2
    mean, log_variance = product(means, [spreads[0], torch.log(torch.tensor([[0.5, 1e6]]))])
    torch.testing.assert_close(mean, torch.tensor([[30.0, 8e-6]]), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(log_variance, -torch.log(torch.tensor([[3.0, 1.000001]])))


@pytest.mark.parametrize("side", [8, 7])
def test_mirrored_patches_are_whole_and_answers_come_back(side: int) -> None:
    slices = torch.rand(1, 1, 12, 10)
    turned = mirror_slices(slices)
    assert torch.equal(mirror_maps(mirror_maps(slices, side), side), slices)
    at = Positions(*(torch.tensor([v]) for v in (0, 5, 4)))
    there = Positions(at.slice, 12 - side % 2 - at.x, at.y)
    patch, other = cut(padded(slices, side), at, side), cut(padded(turned, side), there, side)
    assert torch.equal(other.flip(2), patch)
    place = locations(slices)[None]
    back = unmirror_prediction("full", Prediction(place, place.new_ones(1, 12, 10, 3)), side)
    torch.testing.assert_close(back.mean[:, 1:], place[:, 1:])  # row 0 has no partner where sides are even
    assert (back.spread[..., :2] == 1).all()
    assert (back.spread[..., 2] == -1).all()


def test_thick_slices_hold_their_neighbours_within_their_own_brain() -> None:
    one = scan(3)
    image = with_neighbours(one, 1).image
    inside = one.image[0] * one.brain_mask
    assert image.shape == (3, *one.shape)
    assert np.array_equal(image[0, ..., 1:], inside[..., :-1])
    assert np.array_equal(image[1], inside)
    assert np.array_equal(image[2, ..., :-1], inside[..., 1:])
    assert not image[0, ..., 0].any()
    assert [s.case_id for s in ScansWithNeighbours(TRAIN, 1)[1:3]] == ["toy1", "toy2"]


def test_what_is_usual_is_the_mean_over_brains() -> None:
    values = {one.case_id: float(i) for i, one in enumerate(TRAIN)}
    found = mean_score_map(TRAIN, 2, lambda one: np.full(one.shape, values[one.case_id], np.float32))
    brain = TRAIN[0].brain_mask
    np.testing.assert_allclose(found[brain], 1.5, atol=1e-5)  # the first and the last of 0, 1, 2, 3


def test_channels_of_a_modality_stay_together() -> None:
    assert parts(6, 2, (8, 12), experts=True) == [
        Part([0, 2, 4], 8), Part([1, 3, 5], 8), Part([0, 2, 4], 12), Part([1, 3, 5], 12),
    ]  # fmt: skip
    assert parts(6, 2, (8,), experts=False) == [Part([0, 1, 2, 3, 4, 5], 8)]


def test_experts_are_multiplied_and_sides_averaged() -> None:
    class Says:
        belief = "diagonal"

        def __init__(self, mean: float, log_variance: float) -> None:
            self.answer = mean, log_variance

        def __call__(self, patches: torch.Tensor, height: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return tuple(torch.full((len(patches), 2), value) for value in self.answer)

    nets = [Says(10, 0), Says(30, 0), Says(50, 1)]
    ensemble = Ensemble(nets, [Part([0], 4), Part([1], 4), Part([0], 6)], "diagonal", False, False)
    brain = torch.zeros(1, 10, 10, dtype=torch.bool)
    brain[0, 2, 4] = True
    found = ensemble.score_terms(
        torch.rand(1, 2, 10, 10), torch.zeros(1), brain, (slice(0, 10), slice(0, 10))
    )
    errors = np.log((20 - 20) ** 2 + (20 - 40) ** 2), np.log((50 - 20) ** 2 + (50 - 40) ** 2)
    assert found.log_error[0, 2, 4].item() == pytest.approx(np.mean(errors), rel=1e-5)
    assert found.log_spread[0, 2, 4].item() == pytest.approx((-np.log(2) + 1) / 2, rel=1e-5)
    assert not found.score[~brain].any()


@pytest.mark.parametrize("network", ["conv", "resnet"])
@pytest.mark.parametrize("options", BEYOND, ids=str)
def test_every_option_is_kept_and_changes_the_map(
    network: str, options: dict[str, Any], tmp_path: Path
) -> None:
    method, plain = fitted(network, **options), fitted(network)
    method.save(tmp_path)
    other = tiny(network, **options)
    other.load(tmp_path, Context())
    maps = [one.score(VAL[0], Context()) for one in (method, other, plain)]
    assert np.array_equal(maps[0], maps[1])
    assert np.abs(maps[0] - maps[2])[VAL[0].brain_mask].mean() > 1e-3
    assert np.isfinite(maps[0]).all()


def test_experts_look_at_one_modality_each() -> None:
    def two(number: int, second: int) -> Any:
        one = scan(number)
        return replace(
            one, modalities=("t1", "t2"), image=np.concatenate([one.image, scan(second).image[:, ::-1]])
        )

    method = tiny("conv", experts=True)
    method.fit([two(i, i + 9) for i in range(3)], [two(8, 7)], Context(seed=1))
    assert [net.encoder.layers[0].conv.in_channels for net in method.net_] == [1, 1]
    blind = two(8, 6)
    assert not np.array_equal(method.score(two(8, 7), Context()), method.score(blind, Context()))


def test_options_that_exclude_each_other_are_refused() -> None:
    belief = [{"belief": "full", "loss": "mse"}, {"belief": "mixture", "experts": True}]
    for options, word in [
        *((one, "belief") for one in belief),
        ({"scoring": "bf16"}, "bf16"),
        ({"compiled": True}, "compiled"),
    ]:
        with pytest.raises(UsageError, match=word):
            fitted("conv", **options)


def test_the_usual_map_lowers_what_is_hard_everywhere() -> None:
    usual, plain = fitted("conv", usual=4), fitted("conv")
    brain = VAL[0].brain_mask
    spread = [one.score(VAL[0], Context())[brain].std() for one in (usual, plain)]
    assert spread[0] < spread[1]


def test_a_name_says_what_is_beyond_the_paper() -> None:
    assert variant(Patch2Loc()) == ""
    assert variant(Patch2Loc(network="conv", flips=True, usual=3)) == "conv-other"
    assert variant(Patch2Loc(neighbours=1)) == "resnet-other"
    assert variant(Patch2Loc(network="conv", neighbours=1, usual=16)) == "conv-25d-usual"
