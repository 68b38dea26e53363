"""The one reader of volumes: a file becomes an array with a place in the world, or a clear error.

Arrays keep the axes of their file; `affine` (4, 4) leads from voxel indices to mm in the world, RAS+.
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
from uad_bench.data.nifti.validation import check_affine, check_contrast, place
from uad_bench.errors import DataError
from uad_bench.types import Affine, FloatArray

log = logging.getLogger("uad_bench")

Kind = TypeVar("Kind", bound=np.generic)
# Public masks lie half a voxel beside their images in 29 of 30 patients of one dataset, by rounding of the origin.
TOLERANCE = 0.5 + 1e-3


@dataclass(frozen=True, eq=False)
class Grid:
    """Where voxels are: their number along each axis (X, Y, Z), and the affine (4, 4) to mm in the world."""

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
        """Where the axes lead: "RAS", "LPS" ..."""
        from nibabel.orientations import aff2axcodes

        return "".join(aff2axcodes(self.affine))  # type: ignore[no-untyped-call]

    def __str__(self) -> str:
        shape, spacing = "x".join(map(str, self.shape)), "x".join(f"{s:.3g}" for s in self.spacing)
        origin = ", ".join(f"{value:.2f}" for value in self.affine[:3, 3])
        return f"{shape} voxels of {spacing} mm, axes {self.axes}, origin {origin}"


@dataclass(frozen=True, eq=False)
class Volume(Generic[Kind]):
    """An array (X, Y, Z) and its affine. `Image` holds float32, `Mask` bool."""

    array: npt.NDArray[Kind]
    affine: Affine

    @property
    def grid(self) -> Grid:
        """Where the voxels are."""
        x, y, z = self.array.shape
        return Grid((x, y, z), self.affine)


Image = Volume[np.float32]
Mask = Volume[np.bool_]


def read_volume(path: Path, case_id: str) -> Image:
    """The image, float32 (X, Y, Z); NaN and Inf are kept for the brain mask to judge.

    Raises DataError (also for constant images, UB327) and IntegrityError, see `stream.nifti_bytes`.
    """
    image = read_any(path, case_id)
    check_contrast(image.array, place(case_id, path))
    return image


def read_any(path: Path, case_id: str) -> Image:
    """The values of a file, float32 (X, Y, Z), be it an image or a mask. Raises as `read_volume`, but UB327."""
    where = place(case_id, path)
    header, content = nifti_bytes(path, where)
    grid = _grid(header, where)
    array = _values(header, content, where)
    if array.ndim > 3:
        log.info("%s: one frame in %d dimensions, taken as a volume", where, array.ndim)
    return Volume(np.ascontiguousarray(array.reshape(grid.shape)), grid.affine)


def read_mask(
    path: Path, case_id: str, like: Grid, labels: Sequence[int] = (), cut: float | None = None
) -> Mask:
    """The mask, bool (X, Y, Z), on the grid `like`: values in `labels`, or all above zero if none are given.

    A mask that lies at most half a voxel beside `like` is taken to be on it, with a warning. `cut`: the mask
    holds fractions, and those above count. Raises DataError for another grid, for values that are not finite, or
    not integers where nothing says how to cut them (UB328), else as `read_volume`.
    """
    where, values = place(case_id, path), read_any(path, case_id)
    check_same_grid(values.grid, like, where)
    if not np.isfinite(values.array).all():
        hint = "make the mask again"
        raise DataError("the mask holds NaN or Inf", where=where, hint=hint, code="UB328")
    if cut is not None:
        return Volume(values.array > cut, like.affine)
    if not np.array_equal(values.array, np.rint(values.array)):
        hint = "warp masks by nearest neighbour, or cut them at one half"
        raise DataError("the mask holds values that are not integers", where=where, hint=hint, code="UB328")
    array = np.isin(values.array, list(labels)) if labels else values.array > 0
    return Volume(array, like.affine)


def read_grid(path: Path, case_id: str) -> Grid:
    """Where the voxels of a file are, from its header alone. Raises as `read_volume`."""
    where = place(case_id, path)
    return _grid(nifti_header(path, where), where)


def offset_voxels(grid: Grid, like: Grid) -> float:
    """How far the corners of `grid` lie from those of `like`: the most along any axis, in voxels of `like`.

    Infinite where the shapes differ.
    """
    if grid.shape != like.shape:
        return float("inf")
    corners = np.indices((2, 2, 2)).reshape(3, -1) * (np.array(like.shape)[:, None] - 1)
    corners = np.vstack([corners, np.ones(8)])
    there = np.linalg.solve(like.affine, grid.affine @ corners)
    return float(np.abs(there - corners).max())


def check_same_grid(grid: Grid, like: Grid, where: str) -> None:
    """`grid` is `like`, or at most half a voxel beside it. Raises DataError that tells both (UB328)."""
    beside = offset_voxels(grid, like)
    if beside > TOLERANCE:
        what = f"the mask is on another grid: {grid}; the image is {like}"
        raise DataError(
            what, where=where, hint="resample the mask to its image, or declare `masks_apart`", code="UB328"
        )
    if beside > 1e-3:
        log.warning("%s: lies %.2f voxels beside its image; taken to be on it", where, beside)


def _values(header: Any, content: bytes, where: str) -> FloatArray:  # nibabel is not typed
    """The scaled voxels of a whole file. Its header extensions, which a viewer may have broken, are passed over."""
    from nibabel.arrayproxy import ArrayProxy
    from nibabel.spatialimages import HeaderDataError

    try:
        voxels = ArrayProxy(BytesIO(content), header)  # type: ignore[no-untyped-call]
        # What becomes Inf or NaN is for the brain mask to judge.
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(voxels, dtype=np.float32)
    except HeaderDataError as error:
        what = f"damaged: the header's intensity scaling cannot be used: {error}"
        raise DataError(what, where=where, hint=AGAIN, code="UB322") from None


def _grid(header: Any, where: str) -> Grid:  # a class of nibabel, which is not typed
    shape = tuple(int(n) for n in header["dim"][1 : 1 + int(header["dim"][0])])
    if len(shape) < 3 or any(n != 1 for n in shape[3:]):
        hint = "give one three-dimensional volume a file"
        raise DataError(f"the volume has the shape {shape}", where=where, hint=hint, code="UB324")
    if int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        hint = "the header says neither sform nor qform, so left and right would be a guess"
        raise DataError("no usable orientation", where=where, hint=hint, code="UB325")
    affine = _affine(header, where)
    check_affine(affine, where)
    return Grid((shape[0], shape[1], shape[2]), affine)


def _affine(header: Any, where: str) -> Affine:
    from nibabel.spatialimages import HeaderDataError

    try:
        with np.errstate(invalid="ignore"):  # NaN is refused by `check_affine`
            return np.asarray(header.get_best_affine(), dtype=np.float64)
    except (HeaderDataError, ValueError, np.linalg.LinAlgError) as error:
        raise DataError(
            f"no usable orientation: {error}", where=where, hint="convert it again", code="UB325"
        ) from None
