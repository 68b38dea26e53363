"""Surface distances computed by MONAI, from masks (X, Y, Z) and a voxel spacing in mm."""

from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice
from torch import as_tensor

MM = (1.0, 1.0, 1.0)


def _arguments(prediction, truth, spacing):
    pair = [as_tensor(mask)[None, None].float() for mask in (prediction, truth)]
    return pair, {"include_background": True, "spacing": list(spacing)}


def hd95(prediction, truth, spacing=MM):
    """The 95 % Hausdorff distance, both directions."""
    pair, options = _arguments(prediction, truth, spacing)
    return float(compute_hausdorff_distance(*pair, percentile=95, **options))


def assd(prediction, truth, spacing=MM):
    """The average symmetric surface distance."""
    pair, options = _arguments(prediction, truth, spacing)
    return float(compute_average_surface_distance(*pair, symmetric=True, **options))


def nsd(prediction, truth, spacing, tolerance):
    """The surface Dice at a tolerance in mm."""
    pair, options = _arguments(prediction, truth, spacing)
    return float(compute_surface_dice(*pair, [tolerance], **options))
