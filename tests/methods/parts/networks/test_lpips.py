"""LPIPS: names and shapes of its files, and the first level against its definition."""

import torch
from torch.nn import functional

from tests.helpers.networks import weight_count
from uad_methods.parts.networks.lpips import LPIPS


def test_names_and_shapes_are_those_of_the_usual_files():
    net = LPIPS()
    assert weight_count(net.trunk) == 722_496 and not any(p.requires_grad for p in net.parameters())
    trunk, heads = net.trunk.state_dict(), net.heads.state_dict()
    assert trunk["features.12.expand3x3.bias"].shape == (256,) and len(trunk) == 2 * (1 + 3 * 8)
    sizes = [64, 128, 256, 384, 384, 512, 512]
    assert {k: tuple(v.shape) for k, v in heads.items()} == {
        f"lin{i}.model.1.weight": (1, size, 1, 1) for i, size in enumerate(sizes)
    }


def test_the_first_level_equals_its_definition():
    torch.manual_seed(0)
    net, images = LPIPS(), torch.rand(2, 1, 33, 33)
    for i, head in enumerate(net.heads.values()):
        head.model[1].weight.abs_().mul_(float(i == 0))
    first, head = net.trunk.features[0], net.heads["lin0"].model[1].weight.double()
    units = []
    for grey in images:
        shift, spread = ([-0.030, -0.088, -0.188], [0.458, 0.448, 0.450])
        x = torch.stack([(2 * grey[0].double() - 1 - m) / s for m, s in zip(shift, spread, strict=True)])[
            None
        ]
        f = functional.conv2d(x, first.weight.double(), first.bias.double(), stride=2).clamp(min=0)
        units.append(f / (f**2).sum(dim=1, keepdim=True).sqrt())
    expected = functional.interpolate(
        ((units[0] - units[1]) ** 2 * head).sum(1, keepdim=True), (33, 33), mode="bilinear"
    )
    torch.testing.assert_close(net(images[:1], images[1:]).double(), expected, rtol=1e-4, atol=1e-6)
    assert (net(images, images) == 0).all()
