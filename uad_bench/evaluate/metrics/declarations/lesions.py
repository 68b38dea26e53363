"""Declarations of the lesion-wise metrics and of the surface distances."""

from collections.abc import Iterator
from typing import Any

from uad_bench.evaluate.metrics.declarations.declaration import Declaration

_SHARED = ("empty_brain", "no_threshold", "no_positive")
_COUNTED = (*_SHARED, "no_case")


def _any_overlap() -> Iterator[Declaration]:
    source = "Commowick et al. 2018, here with any overlap in place of their minimum overlap"
    yield Declaration(
        "lesion_recall",
        "lesion:LesionRecall",
        summary="share of lesions found, any overlap",
        formula="lesions that share a voxel with the prediction / L",
        undefined=_COUNTED,
        source=source,
        per_rule=True,
    )
    yield Declaration(
        "lesion_precision",
        "lesion:LesionPrecision",
        summary="share of predicted components that touch a lesion",
        formula="predicted components that share a voxel with the lesion mask / F; 0 where F = 0",
        undefined=_COUNTED,
        source=source,
        per_rule=True,
    )
    yield Declaration(
        "lesion_f1",
        "lesion:LesionF1",
        summary="harmonic mean of lesion-wise recall and precision, any overlap",
        formula="2 r p / (r + p), r = lesion_recall and p = lesion_precision; 0 where both are 0",
        undefined=_COUNTED,
        source=source,
        per_rule=True,
    )


def _by_iou(percent: int) -> Iterator[Declaration]:
    """Recall, precision and F1 of lesions and predicted components that are paired one to one."""
    iou = percent / 100
    shared: dict[str, Any] = {
        "undefined": _COUNTED,
        "source": "Kofler et al. 2023 (panoptica), here with a maximum matching",
        "per_rule": True,
        "constants": {"iou": iou},
    }
    yield Declaration(
        f"lesion_recall_iou{percent}",
        f"lesion:LesionRecallIou{percent}",
        summary=f"share of lesions paired with a predicted component, IoU >= {iou}",
        formula="m / L, m the largest number of one-to-one pairs of a lesion and a predicted component with "
        f"IoU ≥ {iou}",
        **shared,
    )
    yield Declaration(
        f"lesion_precision_iou{percent}",
        f"lesion:LesionPrecisionIou{percent}",
        summary=f"share of predicted components paired with a lesion, IoU >= {iou}",
        formula=f"m / F, m as in lesion_recall_iou{percent}; 0 where F = 0",
        **shared,
    )
    yield Declaration(
        f"lesion_f1_iou{percent}",
        f"lesion:LesionF1Iou{percent}",
        summary=f"lesion-wise F1 of pairs with IoU >= {iou}",
        formula=f"2 m / (L + F), m as in lesion_recall_iou{percent}",
        **shared,
    )


def _brats() -> Iterator[Declaration]:
    shared: dict[str, Any] = {
        "undefined": (*_COUNTED, "no_lesion_of_size"),
        "source": "Moawad et al. 2023 and the challenge's metrics.py",
        "per_rule": True,
    }
    yield Declaration(
        "lesion_dice_brats",
        "brats:LesionDiceBrats",
        summary="lesion-wise Dice of BraTS 2023",
        formula="mean over lesions and false predicted components: Dice of a lesion with all its predicted components, "
        "0 for a false one",
        **shared,
    )
    yield Declaration(
        "lesion_hd95_brats",
        "brats:LesionHd95Brats",
        summary="lesion-wise HD95 of BraTS 2023 in mm",
        formula="mean over lesions and false predicted components: the HD95 of a lesion and all its predicted "
        "components, 374 mm for a missed lesion and for a false component",
        unit="mm",
        value_range="[0, ∞)",
        better="lower",
        **shared,
    )


LESIONS = (*_any_overlap(), *_by_iou(10), *_by_iou(25), *_brats())


def _surface(name: str, cls: str, summary: str, formula: str, **more: Any) -> Declaration:
    return Declaration(
        name, f"surface:{cls}", summary, formula, undefined=_SHARED, forms=("case",), per_rule=True, **more
    )


def _surface_dice(tolerance: int) -> Declaration:
    return _surface(
        f"nsd_{tolerance}mm",
        f"Nsd{tolerance}",
        f"normalised surface Dice, tolerance {tolerance} mm",
        f"edge voxels of both masks within {tolerance} mm of the other surface / edge voxels of both masks; 0 for an "
        "empty prediction",
        source="Nikolov et al. 2021; MONAI `compute_surface_dice`",
        constants={"tolerance": float(tolerance)},
    )


_DISTANCE: dict[str, Any] = {"unit": "mm", "value_range": "[0, ∞)", "better": "lower"}
SURFACES = (
    _surface(
        "hd95",
        "Hd95",
        "95 % Hausdorff distance in mm",
        "max of the 95th percentiles of d(∂A, ∂B) and d(∂B, ∂A), linear between ranks; the diagonal of the image for "
        "an empty prediction",
        source="MONAI `compute_hausdorff_distance(percentile=95)`",
        **_DISTANCE,
    ),
    _surface(
        "assd",
        "Assd",
        "average symmetric surface distance in mm",
        "mean of d over the edge voxels of both masks; the diagonal of the image for an empty prediction",
        source="MONAI `compute_average_surface_distance(symmetric=True)`",
        **_DISTANCE,
    ),
    _surface_dice(1),
    _surface_dice(2),
)
