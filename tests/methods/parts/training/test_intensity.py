"""Intensity augmentation against torchio, probabilities and independence."""

import numpy as np
import pytest
import torch
import torchio

from uad_methods.parts.training.intensity import PROBABILITIES, augment_intensity, bias_field, blur, ghosting


def slices(count=3, shape=(20, 24), margin=6):
    """Random images in the middle of empty slices."""
    inner = [count, *(side - 2 * margin for side in shape)]
    head = torch.rand(inner, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.pad(head, (margin,) * 4)


def by_torchio(transform, image):
    return transform(torchio.ScalarImage(tensor=image[None, ..., None])).data[0, ..., 0]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", [(20, 24), (21, 17)])
def test_ghosting_equals_torchio(axis, shape):
    images, counts, strengths = slices(3, shape), [4, 7, 10], [0.5, 0.8, 1.0]
    found = ghosting(images, torch.tensor(counts), torch.tensor(strengths), torch.tensor([axis] * 3))
    for image, count, strength, mine in zip(images, counts, strengths, found, strict=True):
        wanted = by_torchio(torchio.Ghosting(count, axis, strength, None), image)
        torch.testing.assert_close(mine, wanted, atol=1e-5, rtol=0)
    assert (found - images).abs().max() > 0.01


def test_blur_equals_torchio():
    images, deviations = slices(3, (40, 44), margin=10), torch.tensor([[0.3, 1.2], [2.0, 0.7], [0.0, 0.0]])
    for image, deviation, mine in zip(images, deviations, blur(images, deviations), strict=True):
        wanted = by_torchio(torchio.Blur((*deviation.tolist(), 0.0)), image)
        torch.testing.assert_close(mine, wanted, atol=2e-4, rtol=0)


def test_bias_field_equals_torchio_at_the_slice_s_height():
    volume = torch.rand(20, 24, 8)
    coefficients = torch.rand(1, 4, 4, 4, generator=torch.Generator().manual_seed(3)) - 0.5
    listed = [
        float(coefficients[0, i, j, k]) for i in range(4) for j in range(4 - i) for k in range(4 - i - j)
    ]
    whole = torchio.BiasField(listed, 3)(torchio.ScalarImage(tensor=volume[None])).data[0]
    for z, height in enumerate(torch.linspace(-1, 1, 8)):
        found = bias_field(volume[None, :, :, z], height[None], coefficients)[0]
        torch.testing.assert_close(found, whole[..., z].float(), atol=1e-5, rtol=1e-4)


def test_transforms_are_applied_with_their_probabilities():
    images = slices(1, (16, 16)).expand(600, -1, -1)[:, None]
    found = augment_intensity(images, torch.zeros(600), (2.0, 2.0), torch.Generator().manual_seed(0))
    untouched = ((found - images).abs().amax(dim=(1, 2, 3)) < 1e-4).float().mean()
    expected = np.prod([1 - chance for chance in PROBABILITIES])
    assert float(untouched) == pytest.approx(expected, abs=0.05)
    assert torch.isfinite(found).all()


def test_a_slice_s_change_does_not_depend_on_the_other_slices():
    images = slices(4)[:, None]
    other = images.clone()
    other[1:] = 0.3
    found = [
        augment_intensity(i, torch.zeros(4), (2, 2), torch.Generator().manual_seed(5))
        for i in (images, other)
    ]
    torch.testing.assert_close(found[0][0], found[1][0])
    assert not torch.allclose(found[0][1], found[1][1])


def test_modalities_are_augmented_independently():
    one = slices(8)[:, None]
    found = augment_intensity(
        one.expand(-1, 2, -1, -1), torch.zeros(8), (2, 2), torch.Generator().manual_seed(1)
    )
    assert found.shape == (8, 2, 20, 24) and not torch.allclose(found[:, 0], found[:, 1])
