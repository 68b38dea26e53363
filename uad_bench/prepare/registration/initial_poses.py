"""Brains for the registration, and the poses that it starts from.

A pose is an affine (4, 4) from the world of the fixed brain, the atlas, to the world of the moving one, the scan. The
initial poses come from the shapes of the brains, not from their centres or headers alone: centres fail on a head that
is pitched by 20 degrees, and headers may be wrong by a half turn.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial.transform import Rotation

from uad_bench.data.nifti.read import Grid, Image, Mask, Volume
from uad_bench.prepare.resampling.grid import sample
from uad_bench.types import Affine

SPACING = 2.0  # mm
# Air around the brain that takes part in the fit, mm: both sides of the outline count.
MARGIN = 12.0
# Intensity of the darkest tissue: well above the background 0, so that dark fluid differs from air.
FLOOR = 0.3
BINS = 32
TURNS = range(0, 360, 15)
Floats = npt.NDArray[np.float64]
Box = tuple[slice, ...]


@dataclass(frozen=True, eq=False)
class Brain:
    """A brain on an isotropic grid with orthogonal axes.

    image: float32 (X, Y, Z), FLOOR to 1 in the brain and 0 outside; share: the brain's share of each voxel, likewise.
    """

    image: Image
    share: Image

    @cached_property
    def shape(self) -> "Shape":
        """Position, directions and extent of the brain."""
        return Shape.of(self.share)

    def coarser(self, spacing: float) -> "Brain":
        """The brain in larger voxels, mm."""
        grid = self.image.grid
        axes = grid.affine[:3, :3] / grid.spacing
        ends = [(0, size) for size in grid.shape]
        target = _even_grid(*_extent(ends, grid.affine, axes), axes, spacing)
        image, share = (sample(volume.array, grid, target) for volume in (self.image, self.share))
        return Brain(Volume(image, target.affine), Volume(share, target.affine))

    def smoothed(self, sigma: float) -> Image:
        """The image under a Gaussian of `sigma` mm."""
        width = sigma / self.image.grid.spacing[0]
        return Volume(ndimage.gaussian_filter(self.image.array, width, truncate=3.0), self.image.affine)


def isotropic_brain(image: Image, mask: Mask) -> Brain:
    """The brain of an image at 2 mm, clipped to its percentiles 1 and 99; the mask is on the image's grid.

    Raises ValueError where the mask is empty or the brain has no contrast.
    """
    if not mask.array.any():
        raise ValueError("its field of view contains no brain")
    box = ndimage.find_objects(mask.array.astype(np.int8))[0]
    inside, values = mask.array[box], image.array[box]
    low, high = np.percentile(values[inside], (1, 99))
    if not low < high:
        raise ValueError("the brain has no contrast")
    unit = FLOOR + (1 - FLOOR) * np.clip((values - low) / (high - low), 0, 1)
    grid = _grid_around(mask, box)
    return Brain(
        _sampled(np.where(inside, unit, 0), box, mask.grid, grid), _sampled(inside, box, mask.grid, grid)
    )


def _sampled(part: npt.NDArray[Any], box: Box, source: Grid, target: Grid) -> Image:
    """The values in the `box` of a grid on another grid.

    0 beyond the box; where the box touches the end of the field of view, its values extend to that end.
    """
    ends = [(axis.start == 0, axis.stop == size) for axis, size in zip(box, source.shape, strict=True)]
    padded = np.pad(part.astype(np.float32), np.array(ends, dtype=int), mode="edge")
    start = np.eye(4)
    start[:3, 3] = [axis.start - int(first) for axis, (first, _) in zip(box, ends, strict=True)]
    x, y, z = padded.shape
    return Volume(sample(padded, Grid((x, y, z), source.affine @ start), target), target.affine)


def nearest_rotation(matrix: Floats) -> Floats:
    """The rotation (3, 3) nearest to a matrix without reflection: the orthogonal factor of its polar form."""
    left, _, right = np.linalg.svd(matrix)
    rotation: Floats = left @ right
    return rotation


def _grid_around(mask: Mask, box: Box) -> Grid:
    """A box around the brain and MARGIN, within the field of view: beyond it is not air.

    Its axes are those of the header, without shear.
    """
    axes = nearest_rotation(mask.affine[:3, :3] / mask.grid.spacing)
    brain = _extent([(axis.start, axis.stop) for axis in box], mask.affine, axes)
    view = _extent([(0, size) for size in mask.array.shape], mask.affine, axes)
    low = np.maximum(brain[0] - MARGIN, view[0])
    high = np.minimum(brain[1] + MARGIN, view[1])
    return _even_grid(low, high, axes, SPACING)


def _even_grid(low: Floats, high: Floats, axes: Floats, spacing: float) -> Grid:
    """The grid that fills a box around its middle; the ends of the box along `axes` are in mm."""
    shape = np.maximum(1, np.floor((high - low) / spacing)).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = axes @ ((low + high) / 2 - spacing * (shape - 1) / 2)
    x, y, z = (int(size) for size in shape)
    return Grid((x, y, z), affine)


def _extent(ends: list[tuple[int, int]], affine: Affine, axes: Floats) -> tuple[Floats, Floats]:
    """The least and the greatest coordinate along `axes`, mm, of the voxels from first to last + 1 (`ends`)."""
    corners = (np.array(list(product(*ends))) - 0.5) @ affine[:3, :3].T + affine[:3, 3]
    along = corners @ axes
    return along.min(axis=0), along.max(axis=0)


@dataclass(frozen=True, eq=False)
class Shape:
    """Centre (3,), mm, principal axes (3, 3) in columns, right-handed, longest first, and standard deviations, mm."""

    centre: Floats
    axes: Floats
    spread: Floats

    @classmethod
    def of(cls, share: Image) -> "Shape":
        """The shape of a mask, or of the brain's share of each voxel."""
        index = np.argwhere(share.array > 0)
        weight = share.array[tuple(index.T)].astype(np.float64)
        points = index @ share.affine[:3, :3].T + share.affine[:3, 3]
        centre = np.average(points, axis=0, weights=weight)
        variance, axes = np.linalg.eigh(np.cov((points - centre).T, aweights=weight))
        axes = axes[:, ::-1] * (1, 1, np.sign(np.linalg.det(axes[:, ::-1])))
        return cls(centre, axes, np.sqrt(variance[::-1]))


def initial_poses(fixed: Shape, moving: Shape) -> dict[str, dict[str, Affine]]:
    """Initial poses, by kind and name: centre on centre, equal size, in many directions.

    The kind "header" has no rotation. In the others the long axis of the moving brain points forwards or backwards,
    and the brain is rotated about it in steps of 15 degrees: four of these are the right-handed choices of the axes'
    signs, the others are for brains whose shorter axes have nearly equal length.
    """
    scale = float(np.prod(moving.spread / fixed.spread) ** (1 / 3))
    kinds = {"header": {"header": _pose(np.eye(3), scale, fixed, moving)}}
    for kind, way in (("axes", np.eye(3)), ("axes reversed", np.diag([-1.0, 1.0, -1.0]))):
        kinds[kind] = {}
        for turn in TURNS:
            about = Rotation.from_euler("x", turn, degrees=True).as_matrix()
            rotation = moving.axes @ about @ way @ fixed.axes.T
            kinds[kind][f"{kind}, {turn} degrees"] = _pose(rotation, scale, fixed, moving)
    return kinds


def _pose(rotation: Floats, scale: float, fixed: Shape, moving: Shape) -> Affine:
    pose = np.eye(4)
    pose[:3, :3] = scale * rotation
    pose[:3, 3] = moving.centre - pose[:3, :3] @ fixed.centre
    return pose


@dataclass(frozen=True, eq=False)
class FixedSamples:
    """Points of the fixed brain, (N, 4) in its world, mm, and the histogram bin of its image at each, (N,)."""

    points: Floats
    bins: npt.NDArray[np.intp]

    @classmethod
    def of(cls, fixed: Brain, sigma: float, region: npt.NDArray[np.bool_]) -> "FixedSamples":
        """The voxels of a brain in `region`, its image smoothed by `sigma` mm."""
        points = np.argwhere(region) @ fixed.image.affine[:3, :3].T + fixed.image.affine[:3, 3]
        ones = np.ones((len(points), 1))
        return cls(np.hstack([points, ones]), _bins(fixed.smoothed(sigma).array[region]))

    def mutual_information(self, moving: Image, pose: Affine) -> float:
        """The mutual information of the two images over the points, nats; the moving image is 0 outside its grid."""
        index = np.linalg.solve(moving.affine, pose) @ self.points.T
        values = ndimage.map_coordinates(moving.array, index[:3], order=1)
        return mutual_information(self.bins, _bins(values))


def _bins(values: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    return np.clip(values * BINS, 0, BINS - 1).astype(np.intp)


def mutual_information(one: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> float:
    """Mutual information, nats, of two arrays (N,) of bins below BINS, from their joint histogram.

    >>> bins = np.array([0, 1, 0, 1])
    >>> round(mutual_information(bins, bins), 4), mutual_information(bins, np.array([0, 0, 1, 1]))
    (0.6931, 0.0)
    """
    joint = np.bincount(one * BINS + other, minlength=BINS * BINS).reshape(BINS, BINS) / len(one)
    product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    filled = joint > 0
    return float((joint[filled] * np.log(joint[filled] / product[filled])).sum())
