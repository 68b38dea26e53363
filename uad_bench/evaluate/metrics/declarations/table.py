"""All built-in metrics, by section of docs/metrics.md and by name, and the reasons for a value that is not defined."""

from uad_bench.evaluate.metrics.declarations.declaration import Declaration
from uad_bench.evaluate.metrics.declarations.detection import DETECTION, WITH_HEALTHY
from uad_bench.evaluate.metrics.declarations.lesions import LESIONS, SURFACES
from uad_bench.evaluate.metrics.declarations.scans import CALIBRATION, HEALTHY, IMAGE_LEVEL
from uad_bench.evaluate.metrics.declarations.strata import STRATA
from uad_bench.evaluate.metrics.declarations.voxels import VOXELS

SECTIONS: dict[str, tuple[Declaration, ...]] = {
    "voxels": VOXELS,
    "lesions": LESIONS,
    "detection": DETECTION,
    "strata": STRATA,
    "surfaces": SURFACES,
    "healthy": HEALTHY,
    "with-healthy": WITH_HEALTHY,
    "image-level": IMAGE_LEVEL,
    "calibration": CALIBRATION,
}
METRICS: dict[str, Declaration] = {one.name: one for section in SECTIONS.values() for one in section}

#: Why a case or a pool has no value.
REASONS: dict[str, str] = {
    "empty_brain": "the region of interest has no voxel",
    "no_positive": "there is no lesion: no lesion voxel, no slice with lesion, no lesion case",
    "no_negative": "there is nothing but lesion: no other voxel, no slice without lesion",
    "no_healthy": "there is no healthy scan to compare the lesion cases with",
    "many_healthy": "there are more than 500 healthy scans, of which too few scores are kept for an exact value",
    "no_threshold": "the threshold rule gave no threshold",
    "no_tune": "the threshold rule needs tune cases, and there are none",
    "no_lesion_of_size": "no lesion lies in the bin of size, or none is larger than 50 mm³ (BraTS)",
    "no_lesion_of_contrast": "no lesion lies in the bin of contrast",
    "no_lesion_of_depth": "no lesion lies in the bin of depth",
    "no_lesion_of_side": "no lesion lies in the bin of side",
    "no_lesion_of_height": "no lesion lies in the bin of height",
    "no_image": "the contrast needs the image, and it is missing",
    "no_probability": "the map has scores outside [0, 1]",
    "no_case": "no case takes part in the pooled value",
    "not_kept": "the metric returned no counts for a case and gave no reason",
}


def declaration_of(number: str) -> Declaration | None:
    """The declaration of the metric behind the name of a number; None for a metric of a plug-in.

    >>> declaration_of("raw:dice.pooled@tune").name, declaration_of("hd95@tune").unit, declaration_of("mine.case")
    ('dice', 'mm', None)
    """
    return METRICS.get(metric_of(number))


def metric_of(number: str) -> str:
    """The name of the metric behind the name of a number.

    >>> metric_of("raw:dice.pooled@tune"), metric_of("ap.case")
    ('dice', 'ap')
    """
    return number.rpartition(":")[2].partition("@")[0].partition(".")[0]
