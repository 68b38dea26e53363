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

from uad_bench.data.nifti.background import without_background
from uad_bench.data.nifti.header_checks import AGAIN, nifti_bytes, nifti_header
from uad_bench.data.nifti.orientation import TOLERANCE, check_sides, corner_voxels, placement
from uad_bench.data.nifti.precision import check_float32
from uad_bench.data.nifti.validation import check_contrast, check_labels, location
from uad_bench.errors import DataError
from uad_bench.types import Affine, FloatArray, Orientation

log = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=np.generic)
#: Labels that differ from an integer by less were rounded, by an intensity scaling or by a float32 resampling.
ROUNDED = 5e-4


@dataclass(frozen=True, eq=False)
class Grid:
    """Where voxels are: their number along each axis (X, Y, Z), and the affine (4, 4) to world coordinates in mm.

    other, notes: of a file's header, see `orientation.Placement`.
    """

    shape: tuple[int, int, int]
    affine: Affine
    other: Affine | None = None
    notes: tuple[str, ...] = ()

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
    """An array (X, Y, Z) and its affine (4, 4). An `Image` is float32, a `Mask` bool.

    notes: what is read of a mask otherwise than a user may expect, beside the notes on its file's grid.
    """

    array: npt.NDArray[Kind]
    affine: Affine
    notes: tuple[str, ...] = ()

    @property
    def grid(self) -> Grid:
        """The grid of the voxels."""
        x, y, z = self.array.shape
        return Grid((x, y, z), self.affine)


Image = Volume[np.float32]
Mask = Volume[np.bool_]


def read_volume(path: Path, case_id: str, orientation: Orientation | None = None) -> Image:
    """The image, float32 (X, Y, Z). NaN around the head, or another constant, is 0: no data; other NaN and Inf are
    kept, and the step `brain_mask` decides about them. orientation: see `types.Case`.

    Raises DataError (also for constant images, UB327, and where sform and qform exchange left and right, UB325) and
    IntegrityError, see `header_checks.nifti_bytes`. What is read otherwise than expected is logged.
    """
    where = location(case_id, path)
    array, grid = read_file(path, where, orientation)
    if orientation is None:
        check_sides(grid.affine, grid.other, where)
    check_contrast(array, where)
    array, note = without_background(array)
    for text in (*grid.notes, *note):
        log.warning("%s: %s", where, text)
    return Volume(array, grid.affine)


def read_any(path: Path, case_id: str, orientation: Orientation | None = None) -> Image:
    """The values of an image or a mask as they are stored, float32 (X, Y, Z). Raises as `read_file`."""
    array, grid = read_file(path, location(case_id, path), orientation)
    return Volume(array, grid.affine)


def read_file(path: Path, where: str, orientation: Orientation | None) -> tuple[FloatArray, Grid]:
    """The values of a file, float32 (X, Y, Z), and its grid. Raises as `read_volume`, except UB327; logs nothing."""
    header, content = nifti_bytes(path, where)
    grid = _grid(header, where, orientation)
    array = _values(header, content, where)
    if array.ndim > 3:
        log.info("%s: a single frame in %d dimensions, read as one volume", where, array.ndim)
    return np.ascontiguousarray(array.reshape(grid.shape)), grid


def read_mask(
    path: Path,
    case_id: str,
    like: Grid,
    labels: Sequence[int] = (),
    threshold: float | None = None,
    orientation: Orientation | None = None,
    known: Sequence[int] = (),
) -> Mask:
    """The mask, bool (X, Y, Z), on the grid `like`: values in `labels`, or all above zero if `labels` is empty.

    A mask at most half a voxel off `like` is read as lying on it, with a warning, and so is one that lies on it by the
    other transform of a header. threshold: the mask has fractions, and voxels above the threshold count. Values off
    an integer by rounding are rounded, with a warning. Raises DataError (UB328) for another grid, for values that are
    not finite, and for values that are not integers without a threshold; for labels above 0 that are not in `known`, if
    any (UB342); else as `read_volume`.
    """
    where = location(case_id, path)
    values, grid = read_file(path, where, orientation)
    for text in grid.notes:
        log.warning("%s: %s", where, text)
    notes = check_same_grid(grid, like, where)
    if not np.isfinite(values).all():
        hint = "make the mask again"
        raise DataError("the mask contains NaN or Inf", where=where, hint=hint, code="UB328")
    if threshold is not None:
        return Volume(values > threshold, like.affine, notes)
    values, rounded = _integers(values, where)
    check_labels(values, known, where)
    array = np.isin(values, list(labels)) if labels else values > 0
    return Volume(array, like.affine, (*notes, *rounded))


def _integers(values: FloatArray, where: str) -> tuple[FloatArray, tuple[str, ...]]:
    """The labels of a mask, and a note, which is logged, on labels that rounding made fractions.

    Raises DataError for fractions (UB328).
    """
    whole = np.rint(values)
    off = float(np.abs(values - whole).max(initial=0))
    if off >= ROUNDED:
        what = f"the mask contains values that are not integers: off by up to {off:.2g}"
        hint = "warp masks by nearest neighbour, or, for a dataset, set `mask_threshold`, for instance to 0.5"
        raise DataError(what, where=where, hint=hint, code="UB328")
    if not off:
        return whole, ()
    count = int((values != whole).sum())
    return whole, _logged(f"{count} labels are off an integer by up to {off:.1e}; rounded", where)


def _logged(note: str, where: str) -> tuple[str]:
    log.warning("%s: %s", where, note)
    return (note,)


def read_grid(path: Path, case_id: str, orientation: Orientation | None = None) -> Grid:
    """The grid of a file, from its header alone. Raises as `read_file`, reads both transforms and logs nothing."""
    where = location(case_id, path)
    return _grid(nifti_header(path, where), where, orientation)


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
    return corner_voxels(grid.shape, grid.affine, like.affine)


def apart(grid: Grid, like: Grid) -> tuple[float, bool]:
    """How far a mask's grid lies off its image's, in voxels, and whether that is by the other transform of a header.

    The other transforms count where they bring the two within half a voxel and those that are read do not: a mask that
    another program made from the image has the image's voxels, whichever transform that program reads.
    """
    offset = offset_voxels(grid, like)
    mine = [one for one in (grid.affine, grid.other) if one is not None]
    theirs = [one for one in (like.affine, like.other) if one is not None]
    if offset <= TOLERANCE or grid.shape != like.shape or len(mine) + len(theirs) == 2:
        return offset, False
    nearest = min(corner_voxels(grid.shape, one, other) for one in mine for other in theirs)
    return (nearest, True) if nearest <= TOLERANCE else (offset, False)


def check_same_grid(grid: Grid, like: Grid, where: str) -> tuple[str, ...]:
    """Raise DataError with both grids where `grid` is more than half a voxel off `like` (UB328).

    Below that: a note, which is logged, or none for equal grids.
    """
    offset, by_other = apart(grid, like)
    if offset > TOLERANCE:
        what = f"the mask is on another grid: {grid}; the image is {like}"
        hint = "resample the mask to its image, or, for a dataset, set `allow_other_mask_grid`"
        raise DataError(what, where=where, hint=hint, code="UB328")
    if by_other:
        text = "the mask lies on its image by the other transform (sform against qform); read as on the image's grid"
        return _logged(text, where)
    if offset > 1e-3:
        text = f"the mask is {offset:.2f} voxels off its image; read as on the image's grid"
        return _logged(text, where)
    return ()


def _values(header: Any, content: bytes, where: str) -> FloatArray:  # nibabel is not typed
    """The scaled voxels of a whole file. Header extensions, which some viewers damage, are ignored."""
    from nibabel.arrayproxy import ArrayProxy
    from nibabel.spatialimages import HeaderDataError

    try:
        voxels = ArrayProxy(BytesIO(content), header)  # type: ignore[no-untyped-call]
        # The step `brain_mask` decides about Inf and NaN that scaling makes.
        with np.errstate(over="ignore", invalid="ignore"):
            if np.can_cast(header.get_data_dtype(), np.float32):
                return np.asarray(voxels, dtype=np.float32)
            wide = np.asarray(voxels)
            check_float32(wide, where)
            return wide.astype(np.float32)
    except HeaderDataError as error:
        what = f"damaged: the header's intensity scaling cannot be used: {error}"
        raise DataError(what, where=where, hint=AGAIN, code="UB322") from None


def _grid(header: Any, where: str, orientation: Orientation | None) -> Grid:
    shape = tuple(int(n) for n in header["dim"][1 : 1 + int(header["dim"][0])])
    if len(shape) < 3 or any(n != 1 for n in shape[3:]):
        hint = "one file must contain one three-dimensional volume"
        raise DataError(f"the volume has the shape {shape}", where=where, hint=hint, code="UB324")
    box = shape[0], shape[1], shape[2]
    placed = placement(header, box, where, orientation)
    return Grid(box, placed.affine, placed.other, placed.notes)
