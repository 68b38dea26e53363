"""Difference maps of the three kinds."""

import torch
from scipy import ndimage

from uad_methods.parts.images.dissimilarity import Dissimilarity
from uad_methods.parts.images.ssim import ssim_map


def images(seed):
    return torch.rand(2, 2, 32, 36, generator=torch.Generator().manual_seed(seed))


def test_the_ssim_map_is_smoothed_and_zero_for_equal_images():
    a, b = images(0), images(1)
    found = Dissimilarity("ssim")(a, b)
    expected = ndimage.gaussian_filter(((1 - ssim_map(a, b)) / 2).clamp(min=0), (0, 0, 2, 2), mode="reflect")
    torch.testing.assert_close(found, torch.from_numpy(expected), atol=1e-5, rtol=0)
    assert (Dissimilarity("ssim")(a, a) == 0).all()


def test_lpips_is_computed_per_modality_and_smoothed():
    torch.manual_seed(0)
    module, a, b = Dissimilarity("lpips"), images(0), images(1)
    with torch.no_grad():
        for head in module.lpips.heads.parameters():
            head.abs_()
        raw = torch.stack([module.lpips(a[:, i : i + 1], b[:, i : i + 1])[:, 0] for i in range(2)], dim=1)
        found = module(a, b)
    expected = torch.from_numpy(ndimage.gaussian_filter(raw, (0, 0, 2, 2), mode="reflect"))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert found.min() > 0 and (module(a, a) == 0).all()


def test_without_a_kind_the_map_is_one_and_no_weights_are_read():
    module = Dissimilarity("none")
    assert (module(images(0), images(1)) == 1).all()
    assert module.load_weights("missing.pth", "missing.pth", ("", "")) == ()
