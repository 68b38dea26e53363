"""Declarations of the metrics of lesion detection, and of those of lesion cases and healthy scans together."""

from typing import Any

from uad_bench.evaluate.metrics.declarations.declaration import Declaration

_COUNTED = ("empty_brain", "no_threshold", "no_positive", "no_case")
_PANOPTIC: dict[str, Any] = {"source": "Kirillov et al. 2019; panoptica", "per_rule": True}

DETECTION = (
    Declaration(
        "pq",
        "detection.panoptic:PanopticQuality",
        summary="panoptic quality: sum of the IoU of pairs of a lesion and a predicted component, over both numbers",
        formula="2 Σ IoU / (L + F), the sum over the m pairs of a lesion and a predicted component with IoU > 0.5; "
        "= `sq` · `rq`",
        undefined=_COUNTED,
        **_PANOPTIC,
    ),
    Declaration(
        "rq",
        "detection.panoptic:RecognitionQuality",
        summary="recognition quality: lesion-wise F1 of pairs with IoU > 0.5",
        formula="2 m / (L + F), m as in pq",
        undefined=_COUNTED,
        **_PANOPTIC,
    ),
    Declaration(
        "sq",
        "detection.panoptic:SegmentationQuality",
        summary="segmentation quality: mean IoU of pairs with IoU > 0.5",
        formula="Σ IoU / m, as in pq; 0 where m = 0",
        undefined=_COUNTED,
        **_PANOPTIC,
    ),
    Declaration(
        "froc",
        "detection.froc:Froc",
        summary="lesion FROC: mean sensitivity at 1/8 to 8 false candidates per scan",
        formula="mean over k = 1/8, 1/4, 1/2, 1, 2, 4, 8 of the largest share of lesions that hold a candidate with "
        "s ≥ t, over the t with at most k false candidates per scan; a candidate is a regional maximum of the map",
        undefined=("empty_brain", "no_positive", "no_case"),
        source="Setio et al. 2017, here with regional maxima as detections",
    ),
)

WITH_HEALTHY = (
    Declaration(
        "ap_with_healthy",
        "voxel:ApWithHealthy",
        summary="average precision of the voxels of lesion cases and healthy scans, pooled",
        formula="`ap` of all brain voxels of the lesion cases and of the healthy test scans together",
        undefined=("empty_brain", "no_positive", "no_healthy"),
        forms=("pooled",),
        population="both",
    ),
    Declaration(
        "aupimo",
        "detection.aupimo:Aupimo",
        summary="mean sensitivity per lesion case at false-positive rates of healthy scans of 1e-5 to 1e-4",
        formula="mean over lesion cases of ∫ TPR(F) d(log F) / log 10 over F in [1e-5, 1e-4]; TPR(F) the largest TPR "
        "of the case over the t with a mean FPR of the healthy test scans of at most F",
        undefined=("no_positive", "no_healthy", "many_healthy"),
        source="Bertoldo et al. 2024, here exact over all thresholds",
        forms=("pooled",),
        population="both",
    ),
    Declaration(
        "dice_brats",
        "detection.empty_cases:DiceBrats",
        summary="Dice with the rule of BraTS for scans without lesion",
        formula="`dice`; without a lesion 1 for an empty prediction and 0 for any other",
        undefined=("empty_brain", "no_threshold"),
        source="Baid et al. 2021",
        forms=("case",),
        population="both",
        per_rule=True,
    ),
    Declaration(
        "hd95_brats",
        "detection.empty_cases:Hd95Brats",
        summary="95 % Hausdorff distance in mm with the rule of BraTS for scans without lesion",
        formula="`hd95`; without a lesion 0 mm for an empty prediction; 374 mm where only one of both is empty",
        undefined=("empty_brain", "no_threshold"),
        source="Baid et al. 2021",
        unit="mm",
        value_range="[0, ∞)",
        better="lower",
        forms=("case",),
        population="both",
        per_rule=True,
    ),
)
