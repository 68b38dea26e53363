"""Step `n4`: correction of the bias field, the smooth variation of intensity across a scan.

The field is fitted on a subset of the voxels and evaluated on all. The knots of its spline have fixed distances around
the brain. ITK places them relative to the field of view instead, so that a tighter box alone gives a less smooth field.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # as its own documentation does
from pydantic import Field
from scipy import ndimage

from uad_bench.data.nifti.read import Image, Volume
from uad_bench.prepare.registration.sitk import from_sitk, one_thread, to_sitk
from uad_bench.prepare.resampling.grid import on_grid
from uad_bench.prepare.step import CaseVolumes, Step
from uad_bench.types import BoolArray, FloatArray

Index = npt.NDArray[np.intp]
Iterations = Annotated[int, Field(ge=1, le=1000)]


class N4(Step):
    """Divides each modality by its N4 bias field, which is fitted inside the brain on the native grid.

    The field has the geometric mean 1 over the brain, so that the mean intensity hardly changes.

    Parameters
        shrink: distance of the voxels that the fit uses, mm. Each axis is subsampled by the nearest whole factor (at
            1 mm the usual shrink factor); slices thicker than two thirds of it are all used.
        iterations: the most iterations of each level; the knots are twice as dense from level to level.
        tolerance: a level ends when the field changes less than this.
        spline: distance of the first level's knots, mm.

    Records, by modality: `thinned` (subsampling factor of each axis), `lifted` (offset added before the logarithm)
    and `field` (its range inside the brain).

    Raises DataError where the brain has a single intensity (UB327), or where an image shows no brain (UB331).

    Source: Tustison et al., N4ITK (IEEE Trans Med Imaging 29(6), 2010), as in SimpleITK.

    >>> from uad_bench.prepare.example import example_case
    >>> after = N4(iterations=(5,)).apply(example_case())
    >>> after.figures["t2"]["thinned"], after.figures["t2"]["lifted"]
    ([5, 5, 5], 0.0)
    """

    step: Literal["n4"] = "n4"
    shrink: float = Field(5.0, gt=0, le=20)
    iterations: tuple[Iterations, ...] = Field((50, 50, 50, 50), min_length=1, max_length=8)
    tolerance: float = Field(1e-3, gt=0, lt=1)
    spline: float = Field(200.0, ge=20, le=1000)

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case with corrected images."""
        images, figures = {}, {}
        for name, image in case.images.items():
            brain = on_grid(case.brain(), image.grid) >= 0.5
            if not brain.any():
                hint = "check that its header places it where the other images are"
                raise case.error(f"no brain in the field of view of {name}", hint, "UB331")
            lattice = Lattice.around(brain, image.grid.spacing, self.shrink, self.spline)
            seen = lattice.take(image.array)[lattice.take(brain)]
            if seen.size == 0 or seen.min() == seen.max():
                hint = "the image is constant inside the brain mask"
                raise case.error(f"no contrast inside the brain in {name}", hint, "UB327")
            images[name], figures[name] = self._corrected(image, brain, lattice)
        return replace(case, images=images, figures=figures)

    def _corrected(self, image: Image, brain: BoolArray, lattice: "Lattice") -> tuple[Image, dict[str, Any]]:
        """The image divided by its field, and figures."""
        lifted = positive_offset(image.array[brain])
        array = image.array + np.float32(lifted)
        field = lattice.spread(self._log_field(array, brain, lattice), brain.shape)
        field -= field[brain].mean(dtype=np.float64)
        np.exp(field, out=field)
        ends = [round(float(end), 4) for end in (field[brain].min(), field[brain].max())]
        figures = {"thinned": list(lattice.factors), "lifted": lifted, "field": ends}
        # The offset is for the logarithm only: the field is multiplicative, so an empty background stays exactly 0.
        return Volume(image.array / field, image.affine), figures

    def _log_field(self, array: FloatArray, brain: BoolArray, lattice: "Lattice") -> FloatArray:
        """The logarithm of the field on the lattice."""
        inside = lattice.take(brain)
        n4 = sitk.N4BiasFieldCorrectionImageFilter()
        n4.SetMaximumNumberOfIterations(self.iterations)
        n4.SetConvergenceThreshold(self.tolerance)
        n4.SetNumberOfControlPoints([spans + 3 for spans in lattice.spans])
        with one_thread():
            seen = to_sitk(np.where(inside, lattice.take(array), np.float32(0)), lattice.spacing)
            n4.Execute(seen, to_sitk(inside, lattice.spacing))
            return from_sitk(n4.GetLogBiasFieldAsImage(seen))


def positive_offset(inside: FloatArray) -> float:
    """The offset after which no voxel of the brain is below 1/20 of their standard deviation, for the logarithm.

    0 for most scans. In some public scans interpolation left values below 0 in about 1 % of the voxels.
    """
    floor = 0.05 * float(inside.std(dtype=np.float64))
    return float(f"{max(0.0, floor - float(inside.min())):.6g}")


@dataclass(frozen=True, eq=False)
class Lattice:
    """Every n-th voxel along each axis (n: `factors`), over whole `spans` of the spline, centred on the brain.

    indices: of the voxels along each axis, which may lie outside the image; spacing: mm between them.
    """

    indices: tuple[Index, Index, Index]
    factors: tuple[int, int, int]
    spans: tuple[int, int, int]
    spacing: tuple[float, float, float]

    @classmethod
    def around(
        cls, brain: BoolArray, spacing: tuple[float, float, float], voxel: float, span: float
    ) -> "Lattice":
        """The lattice for a brain (X, Y, Z) with `spacing`, mm: steps of about `voxel` mm, spans of `span` mm."""
        axes = [_axis(*ends, size, voxel, span) for ends, size in zip(_ends(brain), spacing, strict=True)]
        (x, y, z), (a, b, c), (i, j, k) = zip(*axes, strict=True)
        return cls((x, y, z), (a, b, c), (i, j, k), (a * spacing[0], b * spacing[1], c * spacing[2]))

    def take(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The values of `array` (X, Y, Z) on the lattice, 0 outside the array."""
        exists = [(axis >= 0) & (axis < n) for axis, n in zip(self.indices, array.shape, strict=True)]
        values = np.zeros([len(axis) for axis in self.indices], dtype=array.dtype)
        inside = [axis[ok] for axis, ok in zip(self.indices, exists, strict=True)]
        values[np.ix_(*exists)] = array[np.ix_(*inside)]
        return values

    def spread(self, values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
        """`values` of the lattice at each voxel of a grid of `shape`: linear interpolation, the nearest value beyond.

        Knots are 25 mm apart at the finest level, so that linear steps of 5 mm have an error of 0.1 % (RMS).
        """
        steps = np.array(self.factors, dtype=np.float64)
        offset = [-axis[0] / step for axis, step in zip(self.indices, steps, strict=True)]
        spread: FloatArray = ndimage.affine_transform(
            values, 1 / steps, offset=offset, output_shape=shape, order=1, mode="nearest"
        )
        return spread


def _ends(brain: BoolArray) -> list[tuple[int, int]]:
    """First and last index with brain along each axis."""
    lines = [np.flatnonzero(brain.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    return [(int(line[0]), int(line[-1])) for line in lines]


def _axis(first: int, last: int, size: float, voxel: float, span: float) -> tuple[Index, int, int]:
    """Indices, factor and spans along an axis with voxels of `size` mm and brain from `first` to `last`."""
    factor = max(1, round(voxel / size))
    spans = max(1, int(np.ceil((last - first) * size / span)))
    count = int(np.ceil(spans * span / (factor * size))) + 1
    start = (first + last - (count - 1) * factor) // 2
    return start + factor * np.arange(count), factor, spans
