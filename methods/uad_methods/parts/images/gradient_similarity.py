"""Similarity of gradient magnitudes over several scales (Xue et al. 2014; Zavrtanik et al. 2021).

Images are (n, C, X, Y), every channel an image of its own. Always computed in float32, with sums and differences of
shifted images in place of convolutions, which a GPU would round to TF32.
"""

import torch
from torch.nn import functional

C = 0.0026  # Xue et al. 2014, for a range of 1
SCALES = 4
SMALLEST = 3 << (SCALES - 1)  # side in pixels whose coarsest scale still has one gradient
TINY = 1e-12  # the root has an infinite slope at 0


def gms_maps(a: torch.Tensor, b: torch.Tensor, *, median: bool) -> list[torch.Tensor]:
    """GMS in (0, 1] of two images, equal gradients 1, for each of four scales: [(n, C, x, y)].

    Between the scales, 2 x 2 pixels are averaged. A map has two pixels less along each axis than the images of its
    scale, as gradients need both neighbours.

        median: whether each scale is smoothed by a 3 x 3 median before its gradients are computed.
    """
    found = []
    with torch.autocast(a.device.type, enabled=False):
        a, b = a.float(), b.float()
        for scale in range(SCALES):
            if scale:
                a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
            pair = (median_3x3(a), median_3x3(b)) if median else (a, b)
            found.append(_similarity(*(gradient_magnitude(one) for one in pair)))
    return found


def msgms_loss(a: torch.Tensor, b: torch.Tensor, *, median: bool) -> torch.Tensor:
    """Mean over scales of the mean of 1 - GMS: a scalar, at least 0, 0 for equal images."""
    return torch.stack([1 - one.mean() for one in gms_maps(a, b, median=median)]).mean()


def msgms_difference(a: torch.Tensor, b: torch.Tensor, *, median: bool) -> torch.Tensor:
    """1 - mean over scales and channels of the GMS maps, resized bilinearly to the image: (n, X, Y), 0 if equal."""
    size = (a.shape[-2], a.shape[-1])
    resized = [
        functional.interpolate(one, size, mode="bilinear", align_corners=False)
        for one in gms_maps(a, b, median=median)
    ]
    return (1 - torch.stack(resized).mean(dim=(0, 2))).clamp(min=0)


def gradient_magnitude(images: torch.Tensor) -> torch.Tensor:
    """Length of the Prewitt gradient, a third of a sum of three differences two pixels apart: (n, C, X - 2, Y - 2)."""
    along_x, along_y = images[..., 2:, :] - images[..., :-2, :], images[..., 2:] - images[..., :-2]
    gx = (along_x[..., :-2] + along_x[..., 1:-1] + along_x[..., 2:]) / 3
    gy = (along_y[..., :-2, :] + along_y[..., 1:-1, :] + along_y[..., 2:, :]) / 3
    return torch.sqrt(gx**2 + gy**2 + TINY)


def median_3x3(images: torch.Tensor) -> torch.Tensor:
    """Median of the 3 x 3 box around each pixel, of the shape of `images`, whose edges are repeated beyond the border.

    The median of nine is that of the largest of the column minima, the median of the column medians and the smallest
    of the column maxima. Minima and maxima have a deterministic gradient on a GPU, `torch.median` has none.
    """
    tall = torch.cat([images[..., :1, :], images, images[..., -1:, :]], dim=-2)
    wide = torch.cat([tall[..., :1], tall, tall[..., -1:]], dim=-1)
    low, mid, high = _sorted(wide[..., :-2, :], wide[..., 1:-1, :], wide[..., 2:, :])
    return _median(_sorted(*_columns(low))[2], _median(*_columns(mid)), _sorted(*_columns(high))[0])


def _columns(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return images[..., :-2], images[..., 1:-1], images[..., 2:]


def _sorted(
    a: torch.Tensor, b: torch.Tensor, c: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Smallest, middle and largest of three, element by element."""
    less, more = torch.minimum(a, b), torch.maximum(a, b)
    rest = torch.minimum(more, c)
    return torch.minimum(less, rest), torch.maximum(less, rest), torch.maximum(more, c)


def _median(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    return torch.maximum(torch.minimum(a, b), torch.minimum(torch.maximum(a, b), c))


def _similarity(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (2 * a * b + C) / (a**2 + b**2 + C)
