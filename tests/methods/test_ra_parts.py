"""Parts of RA and PHANES against independent references: CLAHE, blur, LPIPS, jitter, AOT layers, masks, losses."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.nn import functional

from tests.helpers.networks import weight_count
from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.images.clahe import clahe
from uad_methods.parts.networks.aot import (
    Critic,
    Generator,
    ReflectionPad,
    Upsample2x,
    gate_values,
    resize_bilinear,
)
from uad_methods.parts.networks.lpips import LPIPS
from uad_methods.parts.networks.vgg19 import VGG19, gram, perceptual_loss, style_loss
from uad_methods.parts.training.augment import random_affine
from uad_methods.parts.training.inpainting import (
    adversarial_loss,
    composite,
    critic_loss,
    ellipses,
    gradient_loss,
    masked_input,
)

# What scikit-image 0.26 `equalize_adapthist` makes of `textured(side)`: a diagonal, a row, the mean.
SKIMAGE = {
    64: ([0.0, 0.56944, 0.69444, 0.30159, 0.08929, 0.24603, 0.0, 0.0],
         [0.0, 0.29762, 0.6627, 0.00794, 0.36905, 0.69444, 0.05159, 0.37698], 0.293226),
    96: ([6e-05, 0.31412, 0.50814, 0.78901, 0.09213, 0.36365, 6e-05, 6e-05],
         [6e-05, 0.37767, 0.13294, 0.82515, 0.57169, 0.32518, 0.06822, 0.76572], 0.282518),
    40: ([0.01639, 0.01639, 0.66391, 0.31964, 0.69669, 0.24584, 0.49174, 0.01639],
         [0.01639, 0.78193, 0.93927, 0.03277, 0.19337, 0.34909, 0.47373, 0.5065], 0.313554),
}  # fmt: skip


def textured(side):
    """A disc of coarse whole numbers on black, brighter downwards."""
    i, j = np.indices((side, side))
    inside = (i - side // 2) ** 2 + (j - side // 2) ** 2 < side**2 // 5
    return ((7 * i * i + 13 * i * j + 5 * j) % 101 * inside * (side + i) / (202 * side)).astype(np.float32)


@pytest.mark.parametrize("side", SKIMAGE)
def test_clahe_is_that_of_scikit_image(side):
    found = clahe(torch.from_numpy(textured(side))[None, None])[0, 0]
    step = side // 8
    diagonal, row, mean = SKIMAGE[side]
    grid = found[step // 2 :: step, step // 2 + 1 :: step].diagonal()
    np.testing.assert_allclose(grid, diagonal, atol=1e-4)
    np.testing.assert_allclose(found[side // 2, ::step], row, atol=1e-4)
    assert float(found.mean()) == pytest.approx(mean, abs=1e-4)


def test_clahe_treats_each_picture_and_channel_alone_and_keeps_nothing_of_a_constant_one():
    a, b = (torch.from_numpy(textured(64) ** power) for power in (1, 2))
    both = clahe(torch.stack([torch.stack([a, b]), torch.stack([b, 0 * a + 0.4])]))
    assert torch.equal(both[0, 1], both[1, 0]) and (both[1, 1] == 0).all()
    assert torch.equal(both[:1, :1], clahe(a[None, None])) and both.dtype == torch.float32


@pytest.mark.parametrize(("sigma", "reach"), [(2.0, None), (1.2, None), (10.0, 35)])
def test_blur_is_scipys(sigma, reach):
    maps = np.random.default_rng(0).normal(size=(2, 40, 33))
    expected = [ndimage.gaussian_filter(m, sigma, mode="reflect", radius=reach) for m in maps]
    np.testing.assert_allclose(gaussian_blur(torch.from_numpy(maps), sigma, reach), expected, atol=1e-6)


def test_lpips_has_the_names_and_shapes_of_the_usual_files():
    net = LPIPS()
    assert weight_count(net.trunk) == 722_496 and not any(p.requires_grad for p in net.parameters())
    trunk, heads = net.trunk.state_dict(), net.heads.state_dict()
    assert trunk["features.12.expand3x3.bias"].shape == (256,) and len(trunk) == 2 * (1 + 3 * 8)
    sizes = [64, 128, 256, 384, 384, 512, 512]
    assert {k: tuple(v.shape) for k, v in heads.items()} == {
        f"lin{i}.model.1.weight": (1, size, 1, 1) for i, size in enumerate(sizes)
    }


def test_lpips_of_the_first_level_is_that_of_its_definition():
    torch.manual_seed(0)
    net, pictures = LPIPS(), torch.rand(2, 1, 33, 33)
    for i, head in enumerate(net.heads.values()):
        head.model[1].weight.abs_().mul_(float(i == 0))
    first, head = net.trunk.features[0], net.heads["lin0"].model[1].weight.double()
    units = []
    for grey in pictures:
        shift, spread = ([-0.030, -0.088, -0.188], [0.458, 0.448, 0.450])
        x = torch.stack([(2 * grey[0].double() - 1 - m) / s for m, s in zip(shift, spread, strict=True)])[
            None
        ]
        f = functional.conv2d(x, first.weight.double(), first.bias.double(), stride=2).clamp(min=0)
        units.append(f / (f**2).sum(dim=1, keepdim=True).sqrt())
    expected = functional.interpolate(
        ((units[0] - units[1]) ** 2 * head).sum(1, keepdim=True), (33, 33), mode="bilinear"
    )
    torch.testing.assert_close(net(pictures[:1], pictures[1:]).double(), expected, rtol=1e-4, atol=1e-6)
    assert (net(pictures, pictures) == 0).all()


def test_jitter_does_what_each_of_its_parts_says():
    images, still = torch.rand(2, 1, 32, 32), {"angle": 0.0, "shift": 0.0, "scale": 0.0, "flip": 0.0}
    rng = torch.Generator().manual_seed(0)
    torch.testing.assert_close(random_affine(images, rng, **still), images)
    mirrored = random_affine(images, rng, **{**still, "flip": 1.0})
    torch.testing.assert_close(mirrored, images.flip(2), atol=1e-5, rtol=0)
    spot = torch.zeros(200, 1, 33, 33)
    spot[:, :, 16, 26] = 1
    x, y = np.indices((33, 33)) - 16

    def places(**parts):
        found = random_affine(spot, rng, **{**still, **parts})[:, 0].double().numpy()
        return np.array([((x * p).sum() / p.sum(), (y * p).sum() / p.sum()) for p in found])

    turned, sized, moved = places(angle=10.0), places(scale=0.1), places(shift=0.1)
    angles = np.degrees(np.arctan2(turned[:, 0], turned[:, 1]))
    assert 8 < angles.max() < 10.5 and -10.5 < angles.min() < -8
    lengths = np.hypot(*sized.T)
    assert 8.8 < lengths.min() < 9.4 and 10.6 < lengths.max() < 11.2
    reach = np.abs(moved - [0, 10])
    assert (reach < 3.8).all() and (reach.max(axis=0) > 2.8).all()


def test_the_painter_s_networks_have_as_many_weights_as_the_card_says():
    generator, critic = Generator(1), Critic(1)
    assert (weight_count(generator), weight_count(critic)) == (15_193_409, 2_761_729)
    weights = torch.cat([p.flatten() for n, p in generator.named_parameters() if n.endswith("weight")])
    assert float(weights.std()) == pytest.approx(0.02, rel=0.01)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_painter_s_networks_keep_sizes_and_the_critic_is_bounded(channels):
    generator, critic = Generator(channels, 4), Critic(channels, 4)
    inpainted = generator(torch.rand(2, channels + 1, 64, 64))
    assert inpainted.shape == (2, channels, 64, 64) and inpainted.abs().max() <= 1
    assert critic(torch.rand(2, channels, 128, 128)).shape == (2, 1, 14, 14)
    for _ in range(30):  # power iterations
        critic(inpainted)
    for conv in list(critic)[:-1:2]:
        assert float(torch.linalg.matrix_norm(conv.weight.flatten(1), 2)) == pytest.approx(1, abs=0.05)


def test_mirror_and_enlargement_are_torchs():
    x = torch.rand(2, 3, 13, 9)
    assert torch.equal(ReflectionPad(8)(x), functional.pad(x, (8,) * 4, mode="reflect"))
    for found, size in ((Upsample2x()(x), (26, 18)), (resize_bilinear(x, (40, 31)), (40, 31))):
        expected = functional.interpolate(x, size, mode="bilinear", align_corners=True)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_the_gate_is_its_formula_and_finite_where_nothing_varies():
    a = torch.randn(2, 3, 8, 8)
    values = a.double().numpy()
    z = (values - values.mean((2, 3), keepdims=True)) / values.std((2, 3), ddof=1, keepdims=True)
    np.testing.assert_allclose(gate_values(a), 1 / (1 + np.exp(-5 * (2 * z - 1))), atol=1e-5)
    flat = torch.full((1, 2, 4, 4), 3.0, requires_grad=True)
    gate_values(flat).sum().backward()
    assert torch.isfinite(gate_values(flat)).all() and torch.isfinite(flat.grad).all()


def test_ellipses_lie_in_the_middle_and_have_the_half_axes_that_are_said():
    masks = ellipses(300, 64, np.random.default_rng(0))
    assert masks.shape == (300, 1, 64, 64) and set(masks.unique().tolist()) == {0.0, 1.0}
    where = masks.mean(dim=(0, 1))
    assert where[24:40, 24:40].min() > 0.1 and where[[0, -1]].max() < 0.01
    assert float(where[16:48, 16:48].sum() / where.sum()) > 0.75
    areas = masks.sum(dim=(1, 2, 3))
    assert areas.min() > 12 * 5 and 250 < areas.mean() < 10 * np.pi * 4.2**2


def test_a_hole_is_white_and_a_filling_changes_nothing_else():
    x, guess, mask = torch.rand(2, 2, 8, 8), torch.rand(2, 2, 8, 8), torch.zeros(2, 1, 8, 8)
    mask[:, :, 2:5, 3:6] = 1
    shown = masked_input(x, mask)
    hole = mask.bool().expand(-1, 2, -1, -1)
    assert shown.shape == (2, 3, 8, 8) and (shown[:, :2][hole] == 1).all() and torch.equal(shown[:, 2:], mask)
    assert torch.equal(shown[:, :2][~hole], x[~hole])
    whole = composite(x, guess, mask)
    assert torch.equal(whole[hole], guess[hole]) and torch.equal(whole[~hole], x[~hole])


def test_the_critic_wants_soft_labels_and_the_generator_ones_inside_the_hole():
    mask = torch.zeros(1, 1, 64, 64)
    mask[:, :, 20:40, 20:40] = 1
    soft = 1 - ndimage.gaussian_filter(mask[0, 0].double().numpy(), 10, mode="reflect", radius=35)
    real, fake = torch.full((1, 1, 6, 6), 0.8), torch.full((1, 1, 6, 6), 0.3)
    expected = 0.2**2 + ((0.3 - soft) ** 2).mean()
    assert float(critic_loss(real, fake, mask)) == pytest.approx(expected, rel=1e-5)
    assert float(adversarial_loss(fake, mask)) == pytest.approx(0.7**2, rel=1e-5)
    outside = torch.zeros(1, 1, 64, 64)
    assert float(adversarial_loss(outside + mask, mask)) == 0  # what it says outside the hole is not asked


def test_slope_loss_knows_ramps_and_no_levels():
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    assert float(gradient_loss(ramp, ramp + 5)) == 0 and float(
        gradient_loss(3 * ramp, ramp)
    ) == pytest.approx(2)


def test_vgg19_has_the_names_of_the_usual_file_and_its_losses_are_their_definitions():
    torch.manual_seed(0)
    net = VGG19()
    assert weight_count(net) == 20_024_384 and not any(p.requires_grad for p in net.parameters())
    assert net.state_dict()["features.34.weight"].shape == (512, 512, 3, 3)  # conv5_4
    a, b = (net(torch.rand(1, 2, 32, 32)) for _ in range(2))
    assert a["1_1"].shape == (2, 64, 32, 32) and a["5_2"].shape == (2, 512, 2, 2) and "5_3" not in a
    f = a["2_2"].double().numpy().reshape(2, 128, -1)
    products = np.einsum("nik,njk->nij", f, f) / (128 * 16 * 16)
    np.testing.assert_allclose(gram(a["2_2"]), products, rtol=1e-3, atol=1e-8)
    expected = sum(float((a[n] - b[n]).abs().mean()) for n in ("1_1", "2_1", "3_1", "4_1", "5_1"))
    assert float(perceptual_loss(a, b)) == pytest.approx(expected, rel=1e-5)
    levels = sum(float((gram(a[n]) - gram(b[n])).abs().mean()) for n in ("2_2", "3_4", "4_4", "5_2"))
    assert float(style_loss(a, b)) == pytest.approx(levels, rel=1e-5)
    assert perceptual_loss(a, a) == 0 and style_loss(a, a) == 0
