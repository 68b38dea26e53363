"""Step `histogram`: intensities on one scale for all scans of a contrast, learnt from training scans."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from uad_bench.data.nifti.read import Image, Volume
from uad_bench.data.splits import ids_hash
from uad_bench.errors import DataError, UsageError
from uad_bench.prepare.resampling.grid import on_grid
from uad_bench.prepare.step import Step, Working
from uad_bench.types import FloatArray, Scan

log = logging.getLogger(__name__)

Percent = Annotated[float, Field(ge=0, le=100)]
Line = npt.NDArray[np.float64]
#: One scan left out moves a landmark by up to 5 of 100 where there are seven.
FEW = 20
# Percentiles nearer than this share of their range are one value.
SAME = 1e-6


class Histogram(Step):
    """Percentiles of each scan go to landmarks, and what lies between them in straight lines.

    Landmarks are the mean percentiles of the training scans, once the first and the last of each were brought
    to `standard` (Nyul, Udupa and Zhang, IEEE Trans Med Imaging 19(2), 2000). Beyond the outer percentiles
    the outer lines go on.

    landmarks: by modality, one a percentile; None: to be learnt. fitted_on: SHA-256 of the ids of the training
    scans they were learnt from, empty for landmarks that came from elsewhere. mask: percentiles of the brain,
    background 0; False: of the whole volume, its zeros outside the brain included, as some published
    landmarks need it.
    """

    step: Literal["histogram"] = "histogram"
    percentiles: tuple[Percent, ...] = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99)
    landmarks: dict[str, tuple[float, ...]] | None = None
    fitted_on: str = ""
    mask: bool = True
    standard: tuple[float, float] = (0.0, 100.0)

    @model_validator(mode="after")
    def _ordered(self) -> "Histogram":
        if len(self.percentiles) < 2 or not (np.diff(self.percentiles) > 0).all():
            raise ValueError("percentiles are two at least, each above the one before")
        if not self.standard[0] < self.standard[1]:
            raise ValueError("the standard range must end above its start")
        for name, marks in (self.landmarks or {}).items():
            if (
                len(marks) != len(self.percentiles)
                or not (np.diff(marks) >= 0).all()
                or marks[0] == marks[-1]
            ):
                raise ValueError(f"landmarks of {name}: one for each percentile, none below the one before")
        return self

    @property
    def wants_fit(self) -> bool:
        """Whether the landmarks are still to be learnt."""
        return self.landmarks is None

    @property
    def was_fitted(self) -> bool:
        """Whether the landmarks were learnt from training scans of a run."""
        return bool(self.fitted_on)

    def fitted(self, scans: Iterable[Scan]) -> "Histogram":
        """The step with landmarks of each modality, from training scans prepared by the steps before.

        Raises DataError for no scan (UB305) and for a scan without contrast (UB327).
        """
        ids: list[str] = []
        seen: dict[str, list[Line]] = {}
        for scan in scans:
            ids.append(scan.case_id)
            for name, image in zip(scan.modalities, scan.image, strict=True):
                values = image[scan.brain_mask] if self.mask else image
                seen.setdefault(name, []).append(self._standard(values, f"{scan.case_id}, {name}"))
        if not ids:
            hint = "the training set is empty"
            raise DataError("no scan to learn landmarks from", where="histogram", hint=hint, code="UB305")
        if len(ids) < FEW:
            log.warning(
                "histogram: landmarks learnt from %d scans only, %d or more hold still", len(ids), FEW
            )
        landmarks = {name: tuple(np.mean(lines, axis=0).round(4).tolist()) for name, lines in seen.items()}
        learnt = {"landmarks": landmarks, "fitted_on": ids_hash(ids)}
        return type(self).model_validate(self.model_dump() | learnt)

    def apply(self, working: Working) -> Working:
        """The images on the standard scale; the record keeps the percentiles of each.

        Raises UsageError for a modality without landmarks, DataError for an image without contrast (UB327).
        """
        images: dict[str, Image] = {}
        figures: dict[str, list[float]] = {}
        for name, image in working.images.items():
            landmarks = self._landmarks(name, working.case_id)
            where = f"{working.case_id}, {name}"
            array, points = self._mapped(image, landmarks, working, where)
            images[name] = Volume(array, image.affine)
            figures[name] = points.tolist()
        return replace(working, images=images, figures=figures)

    def _mapped(self, image: Image, landmarks: Line, working: Working, where: str) -> tuple[FloatArray, Line]:
        brain = on_grid(working.brain(), image.grid) >= 0.5
        if not self.mask:
            alone = np.where(brain, image.array, np.float32(0))
            points = self._points(alone, where)
            return piecewise(alone, points, landmarks), points
        points = self._points(image.array[brain], where)
        array = np.zeros_like(image.array)
        array[brain] = piecewise(image.array[brain], points, landmarks)
        return array, points

    def _landmarks(self, modality: str, case_id: str) -> Line:
        if self.landmarks is None:
            hint = "they are learnt from the training scans of a run, or given as `landmarks`"
            raise UsageError("the step 'histogram' has no landmarks yet", where=case_id, hint=hint)
        if modality not in self.landmarks:
            hint = f"there are some for {', '.join(self.landmarks)}"
            raise UsageError(f"no landmarks for {modality}", where=f"{case_id}, step histogram", hint=hint)
        return np.array(self.landmarks[modality])

    def _points(self, values: FloatArray, where: str) -> Line:
        """The percentiles of a scan. Raises DataError where they cannot be told apart (UB327)."""
        points: Line = np.percentile(values, self.percentiles).astype(np.float64)
        apart = np.diff(points) > SAME * (points[-1] - points[0])
        # The background of a whole volume is one value by nature; of a brain, a tenth of it never is.
        if not (apart.all() if self.mask else apart.any()):
            at = self.percentiles[int(np.flatnonzero(~apart)[0])]
            what = f"the percentiles from {at:g} on hold one value"
            hint = "the image has lost its contrast, or its brain mask is wrong"
            raise DataError(what, where=where, hint=hint, code="UB327")
        return points

    def _standard(self, values: FloatArray, where: str) -> Line:
        """The percentiles of a scan, first and last brought to the standard range."""
        points, (low, high) = self._points(values, where), self.standard
        line: Line = low + (points - points[0]) * (high - low) / (points[-1] - points[0])
        return line


def piecewise(values: FloatArray, points: Line, landmarks: Line) -> FloatArray:
    """`values` by straight lines from each of `points` (not falling) to its landmark, the outer ones going on.

    Of several landmarks for one value the last counts.
    """
    last = np.append(np.diff(points) > SAME * (points[-1] - points[0]), True)
    points, landmarks = points[last], landmarks[last]
    slopes = np.diff(landmarks) / np.diff(points)
    piece = np.searchsorted(points[1:-1], values, side="right")
    mapped: FloatArray = (landmarks[piece] + slopes[piece] * (values - points[piece])).astype(np.float32)
    return mapped
