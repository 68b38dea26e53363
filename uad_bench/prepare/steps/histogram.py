"""Step `histogram`: a common intensity scale for all scans of a modality, learnt from training scans (Nyul)."""

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
from uad_bench.prepare.step import CaseVolumes, Step
from uad_bench.types import FloatArray, Scan

log = logging.getLogger(__name__)

Percent = Annotated[float, Field(ge=0, le=100)]
Line = npt.NDArray[np.float64]
#: With fewer training scans landmarks are unstable: of seven scans, leaving out one moves a landmark by up to 5 of 100.
ENOUGH_SCANS = 20
# Percentiles closer than this share of their range are equal.
EQUAL = 1e-6


class Histogram(Step):
    """Maps the percentiles of each scan to landmarks, piecewise linearly; the outer pieces are extrapolated.

    Landmarks are the mean percentiles of the training scans, after the first and the last percentile of each scan were
    mapped to `standard`.

    Parameters
        percentiles: increasing, percent; two at least.
        landmarks: by modality, one per percentile; None: to be learnt.
        fitted_on: SHA-256 (hex) of the ids of the training scans, "" for landmarks from elsewhere.
        mask: True: percentiles of the brain, background 0; False: of the whole volume with zeros outside the brain, as
            some published landmarks need it.
        standard: intensities that the first and the last percentile of a training scan are mapped to.

    Records, by modality: the percentiles of the scan.

    Raises DataError for a scan without contrast (UB327), UsageError for a modality without landmarks; `fitted` raises
    DataError where there is no training scan (UB305).

    Source: Nyul, Udupa and Zhang (IEEE Trans Med Imaging 19(2), 2000).

    >>> from uad_bench.prepare.example import example_case
    >>> step = Histogram(percentiles=(0, 50, 100), landmarks={"t2": (0, 60, 100)})
    >>> after = step.apply(example_case())
    >>> float(after.images["t2"].array.max()), after.figures["t2"]
    (100.0, [99.0, 109.0, 200.0])
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
    def needs_fit(self) -> bool:
        """Whether the landmarks must be learnt."""
        return self.landmarks is None

    @property
    def is_fitted(self) -> bool:
        """Whether the landmarks were learnt from the training scans of a run."""
        return bool(self.fitted_on)

    def fitted(self, scans: Iterable[Scan]) -> "Histogram":
        """The step with landmarks of each modality, from training scans that were prepared by the steps before.

        Raises DataError for no scan (UB305) and for a scan without contrast (UB327).
        """
        ids: list[str] = []
        percentiles: dict[str, list[Line]] = {}
        for scan in scans:
            ids.append(scan.case_id)
            for name, image in zip(scan.modalities, scan.image, strict=True):
                values = image[scan.brain_mask] if self.mask else image
                percentiles.setdefault(name, []).append(self._standard(values, f"{scan.case_id}, {name}"))
        if not ids:
            hint = "the training set is empty"
            raise DataError("no scan to learn landmarks from", where="histogram", hint=hint, code="UB305")
        if len(ids) < ENOUGH_SCANS:
            log.warning(
                "histogram: landmarks of only %d scans are unstable, use %d or more", len(ids), ENOUGH_SCANS
            )
        landmarks = {
            name: tuple(np.mean(lines, axis=0).round(4).tolist()) for name, lines in percentiles.items()
        }
        learnt = {"landmarks": landmarks, "fitted_on": ids_hash(ids)}
        return type(self).model_validate(self.model_dump() | learnt)

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case with images on the standard scale."""
        images: dict[str, Image] = {}
        figures: dict[str, list[float]] = {}
        for name, image in case.images.items():
            landmarks = self._landmarks(name, case.case_id)
            where = f"{case.case_id}, {name}"
            array, points = self._mapped(image, landmarks, case, where)
            images[name] = Volume(array, image.affine)
            figures[name] = points.tolist()
        return replace(case, images=images, figures=figures)

    def _mapped(
        self, image: Image, landmarks: Line, case: CaseVolumes, where: str
    ) -> tuple[FloatArray, Line]:
        brain = on_grid(case.brain(), image.grid) >= 0.5
        if not self.mask:
            whole = np.where(brain, image.array, np.float32(0))
            points = self._points(whole, where)
            return piecewise_linear(whole, points, landmarks), points
        points = self._points(image.array[brain], where)
        array = np.zeros_like(image.array)
        array[brain] = piecewise_linear(image.array[brain], points, landmarks)
        return array, points

    def _landmarks(self, modality: str, case_id: str) -> Line:
        if self.landmarks is None:
            hint = "a run learns them from its training scans; else set `landmarks`"
            raise UsageError("the step 'histogram' has no landmarks yet", where=case_id, hint=hint)
        if modality not in self.landmarks:
            hint = f"there are landmarks for {', '.join(self.landmarks)}"
            raise UsageError(f"no landmarks for {modality}", where=f"{case_id}, step histogram", hint=hint)
        return np.array(self.landmarks[modality])

    def _points(self, values: FloatArray, where: str) -> Line:
        """The percentiles of a scan. Raises DataError where several are equal (UB327)."""
        points: Line = np.percentile(values, self.percentiles).astype(np.float64)
        distinct = np.diff(points) > EQUAL * (points[-1] - points[0])
        # In a whole volume the background is one value; in a brain, a tenth of the voxels never is.
        if not (distinct.all() if self.mask else distinct.any()):
            at = self.percentiles[int(np.flatnonzero(~distinct)[0])]
            what = f"the percentiles from {at:g} on are equal"
            hint = "the image has lost its contrast, or its brain mask is wrong"
            raise DataError(what, where=where, hint=hint, code="UB327")
        return points

    def _standard(self, values: FloatArray, where: str) -> Line:
        """The percentiles of a scan, mapped linearly so that the first and the last have the standard values."""
        points, (low, high) = self._points(values, where), self.standard
        line: Line = low + (points - points[0]) * (high - low) / (points[-1] - points[0])
        return line


def piecewise_linear(values: FloatArray, points: Line, landmarks: Line) -> FloatArray:
    """`values` mapped by the line through (point, landmark) pairs, extrapolated at both ends.

    Points do not decrease; of several landmarks for equal points the last counts.

    >>> points, landmarks = np.array([0.0, 1.0, 2.0]), np.array([0.0, 10.0, 15.0])
    >>> piecewise_linear(np.array([0.5, 1.5, 3.0], np.float32), points, landmarks).tolist()
    [5.0, 12.5, 20.0]
    """
    last = np.append(np.diff(points) > EQUAL * (points[-1] - points[0]), True)
    points, landmarks = points[last], landmarks[last]
    slopes = np.diff(landmarks) / np.diff(points)
    piece = np.searchsorted(points[1:-1], values, side="right")
    mapped: FloatArray = (landmarks[piece] + slopes[piece] * (values - points[piece])).astype(np.float32)
    return mapped
