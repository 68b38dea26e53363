"""The one reader of volumes: a file becomes an array with a position in the world, or a clear error.

Arrays keep the axes of their file; `affine` (4, 4) maps voxel indices to world coordinates in mm, RAS+.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from uad_bench.data.nifti.header_checks import AGAIN, nifti_bytes, nifti_header
from uad_bench.data.nifti.validation import check_affine, check_contrast, location
from uad_bench.errors import DataError
from uad_bench.types import Affine, FloatArray

log = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=np.generic)
#: In 29 of 30 patients of one public dataset the mask lies half a voxel off its image: the origin was rounded.
TOLERANCE = 0.5 + 1e-3


@dataclass(frozen=True, eq=False)
class Grid:
    """Where voxels are: their number along each axis (X, Y, Z), and the affine (4, 4) to world coordinates in mm."""

    shape: tuple[int, int, int]
    affine: Affine

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size along each axis, mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel, ml."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000

    @property
    def axes(self) -> str:
        """Anatomical directions of the axes: "RAS", "LPS" ..."""
        from nibabel.orientations import aff2axcodes

        return "".join(aff2axcodes(self.affine))  # type: ignore[no-untyped-call]

    def __str__(self) -> str:
        shape, spacing = "x".join(map(str, self.shape)), "x".join(f"{s:.3g}" for s in self.spacing)
        origin = ", ".join(f"{value:.2f}" for value in self.affine[:3, 3])
        return f"{shape} voxels of {spacing} mm, axes {self.axes}, origin {origin}"


@dataclass(frozen=True, eq=False)
class Volume(Generic[Kind]):
    """An array (X, Y, Z) and its affine (4, 4). An `Image` is float32, a `Mask` bool."""

    array: npt.NDArray[Kind]
    affine: Affine

    @property
    def grid(self) -> Grid:
        """The grid of the voxels."""
        x, y, z = self.array.shape
        return Grid((x, y, z), self.affine)


Image = Volume[np.float32]
Mask = Volume[np.bool_]


def read_volume(path: Path, case_id: str) -> Image:
    """The image, float32 (X, Y, Z). NaN and Inf are kept: the step `brain_mask` decides about them.

    Raises DataError (also for constant images, UB327) and IntegrityError, see `header_checks.nifti_bytes`.
    """
    image = read_any(path, case_id)
    check_contrast(image.array, location(case_id, path))
    return image


def read_any(path: Path, case_id: str) -> Image:
    """The values of an image or a mask, float32 (X, Y, Z). Raises as `read_volume`, except UB327."""
    where = location(case_id, path)
    header, content = nifti_bytes(path, where)
    grid = _grid(header, where)
    array = _values(header, content, where)
    if array.ndim > 3:
        log.info("%s: a single frame in %d dimensions, read as one volume", where, array.ndim)
    return Volume(np.ascontiguousarray(array.reshape(grid.shape)), grid.affine)


def read_mask(
    path: Path, case_id: str, like: Grid, labels: Sequence[int] = (), threshold: float | None = None
) -> Mask:
    """The mask, bool (X, Y, Z), on the grid `like`: values in `labels`, or all above zero if `labels` is empty.

    A mask at most half a voxel off `like` is read as lying on it, with a warning. threshold: the mask has
    fractions, and voxels above the threshold count. Raises DataError (UB328) for another grid, for values that are
    not finite, and for values that are not integers without a threshold; else as `read_volume`.
    """
    where, values = location(case_id, path), read_any(path, case_id)
    check_same_grid(values.grid, like, where)
    if not np.isfinite(values.array).all():
        hint = "make the mask again"
        raise DataError("the mask contains NaN or Inf", where=where, hint=hint, code="UB328")
    if threshold is not None:
        return Volume(values.array > threshold, like.affine)
    if not np.array_equal(values.array, np.rint(values.array)):
        hint = "warp masks by nearest neighbour, or set `mask_threshold`, for instance to 0.5"
        raise DataError(
            "the mask contains values that are not integers", where=where, hint=hint, code="UB328"
        )
    array = np.isin(values.array, list(labels)) if labels else values.array > 0
    return Volume(array, like.affine)


def read_grid(path: Path, case_id: str) -> Grid:
    """The grid of a file, from its header alone. Raises as `read_volume`."""
    where = location(case_id, path)
    return _grid(nifti_header(path, where), where)


def offset_voxels(grid: Grid, like: Grid) -> float:
    """The largest distance between corresponding corners of two grids along any axis, in voxels of `like`.

    Infinite where the shapes differ.

    >>> shifted = np.eye(4)
    >>> shifted[0, 3] = 0.25
    >>> offset_voxels(Grid((4, 4, 4), shifted), Grid((4, 4, 4), np.eye(4)))
    0.25
    """
    if grid.shape != like.shape:
        return float("inf")
    corners = np.indices((2, 2, 2)).reshape(3, -1) * (np.array(like.shape)[:, None] - 1)
    corners = np.vstack([corners, np.ones(8)])
    there = np.linalg.solve(like.affine, grid.affine @ corners)
    return float(np.abs(there - corners).max())


def check_same_grid(grid: Grid, like: Grid, where: str) -> None:
    """Raise DataError with both grids where `grid` is more than half a voxel off `like` (UB328); warn below that."""
    offset = offset_voxels(grid, like)
    if offset > TOLERANCE:
        what = f"the mask is on another grid: {grid}; the image is {like}"
        hint = "resample the mask to its image, or set `allow_other_mask_grid`"
        raise DataError(what, where=where, hint=hint, code="UB328")
    if offset > 1e-3:
        log.warning("%s: the mask is %.2f voxels off its image; read as on the image's grid", where, offset)


def _values(header: Any, content: bytes, where: str) -> FloatArray:  # nibabel is not typed
    """The scaled voxels of a whole file. Header extensions, which some viewers damage, are ignored."""
    from nibabel.arrayproxy import ArrayProxy
    from nibabel.spatialimages import HeaderDataError

    try:
        voxels = ArrayProxy(BytesIO(content), header)  # type: ignore[no-untyped-call]
        # The step `brain_mask` decides about Inf and NaN that scaling makes.
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(voxels, dtype=np.float32)
    except HeaderDataError as error:
        what = f"damaged: the header's intensity scaling cannot be used: {error}"
        raise DataError(what, where=where, hint=AGAIN, code="UB322") from None


def _grid(header: Any, where: str) -> Grid:  # a class of nibabel, which is not typed
    shape = tuple(int(n) for n in header["dim"][1 : 1 + int(header["dim"][0])])
    if len(shape) < 3 or any(n != 1 for n in shape[3:]):
        hint = "one file must contain one three-dimensional volume"
        raise DataError(f"the volume has the shape {shape}", where=where, hint=hint, code="UB324")
    if int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        hint = "the header has neither sform nor qform, so left and right are unknown"
        raise DataError("no usable orientation", where=where, hint=hint, code="UB325")
    affine = _affine(header, where)
    check_affine(affine, where)
    return Grid((shape[0], shape[1], shape[2]), affine)


def _affine(header: Any, where: str) -> Affine:
    from nibabel.spatialimages import HeaderDataError

    try:
        with np.errstate(invalid="ignore"):  # `check_affine` refuses NaN
            return np.asarray(header.get_best_affine(), dtype=np.float64)
    except (HeaderDataError, ValueError, np.linalg.LinAlgError) as error:
        raise DataError(
            f"no usable orientation: {error}", where=where, hint="convert it again", code="UB325"
        ) from None
