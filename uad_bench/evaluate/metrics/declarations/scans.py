"""Declarations of the metrics of whole scans: healthy scans, image-level detection, calibration."""

from uad_bench.evaluate.metrics.declarations.declaration import Declaration

HEALTHY = (
    Declaration(
        "fpr",
        "voxel:FalsePositiveRate",
        summary="share of a healthy scan's brain voxels called anomalous at each threshold rule",
        formula="FP / n⁻",
        undefined=("empty_brain", "no_threshold"),
        better="lower",
        population="healthy",
        per_rule=True,
    ),
    Declaration(
        "fp_components",
        "healthy:FalsePositiveComponents",
        summary="false predicted components in a healthy scan",
        formula="F, the number of predicted components",
        undefined=("empty_brain", "no_threshold"),
        unit="components",
        value_range="[0, ∞)",
        better="lower",
        forms=("case",),
        population="healthy",
        per_rule=True,
    ),
    Declaration(
        "fp_volume",
        "healthy:FalsePositiveVolume",
        summary="volume called anomalous in a healthy scan, in ml",
        formula="FP times the volume of a voxel",
        undefined=("empty_brain", "no_threshold"),
        unit="ml",
        value_range="[0, ∞)",
        better="lower",
        forms=("case",),
        population="healthy",
        per_rule=True,
    ),
)

_AREAS = {"auroc": ("Auroc", "AUROC"), "ap": ("Ap", "average precision")}
_SCORES = {
    "max": ("Max", "largest score"),
    "mean": ("Mean", "mean score"),
    "q99": ("Q99", "99 % quantile of the scores"),
}


def _image_level(unit: str, area: str, score: str) -> Declaration:
    """One way to rank cases or slices; unit: "case" or "slice"."""
    area_class, area_words = _AREAS[area]
    score_class, score_words = _SCORES[score]
    by_case = unit == "case"
    what = "lesion cases among healthy scans" if by_case else "axial slices with lesion among those without"
    return Declaration(
        f"{unit}_{area}_{score}",
        f"image:{unit.capitalize()}{area_class}{score_class}",
        summary=f"{area_words} of {what}, by the {score_words}",
        formula=f"{area_words} with one score per {unit}: the {score_words} in the brain"
        + ("" if by_case else " voxels of the slice"),
        undefined=("no_positive", "no_healthy") if by_case else ("empty_brain", "no_positive", "no_negative"),
        forms=("pooled",) if by_case else ("case", "pooled"),
        population="both" if by_case else "lesion",
        constants={"area": area, "score": score},
    )


IMAGE_LEVEL = (
    *(_image_level("case", area, score) for area in _AREAS for score in _SCORES),
    *(_image_level("slice", area, score) for area in _AREAS for score in ("max", "q99")),
)

CALIBRATION = (
    Declaration(
        "ece",
        "calibration:ExpectedCalibrationError",
        summary="expected calibration error of maps that are probabilities",
        formula="Σ_b n_b/n · |share of lesion in bin b − mean score in bin b|, 15 bins of equal width",
        undefined=("no_probability", "empty_brain"),
        source="Naeini et al. 2015",
        better="lower",
    ),
    Declaration(
        "brier",
        "calibration:Brier",
        summary="Brier score of maps that are probabilities",
        formula="mean of (s − y)² over brain voxels, y = 1 in a lesion and 0 elsewhere",
        undefined=("no_probability", "empty_brain"),
        source="Brier 1950",
        better="lower",
    ),
)
