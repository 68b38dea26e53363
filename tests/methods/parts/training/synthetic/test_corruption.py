"""Synthetic anomalies: closed forms of texture, shift and strength."""

import pytest
import torch

from uad_methods.parts.training.synthetic.corruption import (
    Anomalies,
    blend,
    chosen_tissues,
    matched,
    moved,
    shift,
)

N, SIDE = 6, 32


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def images(seed=0, channels=1):
    return torch.rand(N, channels, SIDE, SIDE, generator=draws(seed))


def test_no_shape_or_no_weight_leaves_the_image_with_strength_zero():
    clean, texture, ones = images(), images(1), torch.ones(N)
    for shape, weight in [(torch.zeros(N, SIDE, SIDE), ones), (torch.ones(N, SIDE, SIDE), 0 * ones)]:
        image, strength = blend(clean, texture, shape, weight)
        assert torch.equal(image, clean) and (strength == 0).all()
        image, strength = shift(clean, torch.ones_like(clean), shape, weight[:, None] * shape.amax())
        assert torch.equal(image, clean) and (strength == 0).all()


def test_full_weight_in_a_full_shape_gives_the_foreign_texture():
    clean, texture = images(), images(1)
    image, strength = blend(clean, texture, torch.ones(N, SIDE, SIDE), torch.ones(N))
    assert torch.equal(image, texture) and (strength == 1).all()


def test_a_blend_is_weighted_by_shape_and_weight():
    shape = torch.full((N, SIDE, SIDE), 0.5)
    image, _ = blend(
        torch.zeros(N, 1, SIDE, SIDE), torch.ones(N, 1, SIDE, SIDE), shape, torch.full((N,), 0.4)
    )
    torch.testing.assert_close(image, torch.full_like(image, 0.2))


@pytest.mark.parametrize("channels", [1, 2])
def test_matching_gives_the_mean_or_the_extremes_inside_the_shape(channels):
    clean, foreign = 0.4 + 0.2 * images(0, channels), 0.3 + 0.2 * images(1, channels)
    shape = torch.zeros(N, SIDE, SIDE)
    shape[:, 8:20, 8:20] = 1
    part = (..., slice(8, 20), slice(8, 20))
    mean, extremes = (matched(foreign, clean, shape, mode)[part] for mode in ("mean", "minmax"))
    torch.testing.assert_close(mean.mean(dim=(2, 3)), clean[part].mean(dim=(2, 3)))
    torch.testing.assert_close(extremes.amin(dim=(2, 3)), clean[part].amin(dim=(2, 3)))
    torch.testing.assert_close(extremes.amax(dim=(2, 3)), clean[part].amax(dim=(2, 3)))


def test_matching_in_an_empty_shape_is_finite():
    for mode in ("mean", "minmax"):
        assert matched(images(), images(1), torch.zeros(N, SIDE, SIDE), mode).isfinite().all()


def test_images_move_by_whole_pixels_with_the_edge_beyond():
    image = images()
    found = moved(image, torch.tensor([[3, -2]]).expand(N, 2))
    assert torch.equal(found[..., 3:, :-2], image[..., :-3, 2:])
    assert torch.equal(found[..., 0, :-2], image[..., 0, 2:])


def test_a_shift_is_clipped_and_its_size_measured():
    image, ones = torch.full((N, 1, SIDE, SIDE), 0.8), torch.ones(N, SIDE, SIDE)
    for size, value, change in [(0.5, 1.0, 0.2), (-0.3, 0.5, 0.3)]:
        found, strength = shift(image, ones[:, None], ones, torch.full((N, 1), size))
        torch.testing.assert_close(found, torch.full_like(found, value))
        torch.testing.assert_close(strength, torch.full((N,), change))


def test_tissues_are_chosen_by_their_share_of_the_shape():
    count, side = 4000, 128
    labels = torch.zeros(1, 1, side, side, dtype=torch.int64)
    labels[..., 20:30] = 1
    labels[..., 100:] = 2
    shape = torch.zeros(1, side, side)
    shape[:, :40, :30] = 1  # 800 pixels of class 0, 400 of class 1, none of class 2
    rng, found = draws(), torch.zeros(3)
    for _ in range(count // 200):
        many = chosen_tissues(labels.expand(200, -1, -1, -1), shape.expand(200, -1, -1), 3, rng)
        found += many[:, 0, 0, [0, 25, 110]].sum(dim=0)
    none = (1 - 800 / 2200) * (1 - 400 / 2200)  # then all are chosen
    expected = [800 / 2200 + none, 400 / 2200 + none, none]
    assert (found / count).tolist() == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("matching", ["mean", "minmax"])
def test_anomalies_have_a_strength_that_bounds_the_change_and_stay_in_the_brain(matching):
    generator = Anomalies(matching, torch.tensor([[0.2, 0.5, 0.8], [0.1, 0.4, 0.9]]))
    brain = torch.zeros(N, SIDE, SIDE, dtype=torch.bool)
    brain[:, 4:28, 6:26] = True
    clean, foreign = (images(seed, 2) * brain[:, None] for seed in (0, 1))
    found = generator.corrupt(clean, brain, foreign, brain, draws(2))
    assert torch.equal(
        found.image[(~brain)[:, None].expand_as(clean)], clean[(~brain)[:, None].expand_as(clean)]
    )
    change = (found.image - clean).abs().amax(dim=(1, 2, 3))
    assert (change > 0).all() and (change <= 2 * found.strength + 1e-6).all() and found.strength.max() <= 1
    again = generator.corrupt(clean, brain, foreign, brain, draws(2))
    assert torch.equal(found.image, again.image)


def test_patches_without_brain_have_no_anomaly():
    empty = torch.zeros(N, SIDE, SIDE, dtype=torch.bool)
    clean = torch.zeros(N, 1, SIDE, SIDE)
    found = Anomalies("mean", torch.tensor([[0.5]])).corrupt(clean, empty, images(), ~empty, draws())
    assert torch.equal(found.image, clean) and (found.strength == 0).all()
