"""Affine registration to an atlas by mutual information (Mattes et al., IEEE TMI 22(1), 2003), coarse to fine.

With one thread and fixed seeds, the same brain gives the same fit in every process.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage

from uad_bench.data.nifti.read import Image
from uad_bench.prepare.registration.initial_poses import (
    BINS,
    MARGIN,
    SPACING,
    Brain,
    FixedSamples,
    initial_poses,
    nearest_rotation,
)
from uad_bench.prepare.registration.sitk import frame_to_world, one_thread, to_sitk
from uad_bench.types import Affine

SEED = 1


@dataclass(frozen=True)
class Level:
    """One level of the fit.

    spacing: voxel size of the atlas, mm; sigma: smoothing of both images, mm; share: sampled share of the voxels;
    steps: the most iterations.
    """

    spacing: float
    sigma: float
    share: float
    steps: int


COARSE = Level(6.0, 3.0, 1.0, 40)
LEVELS = (Level(4.0, 2.0, 0.3, 60), Level(2.0, 1.0, 0.06, 40))


@dataclass(frozen=True, eq=False)
class FixedImage:
    """The atlas at one level: `image` smoothed; `region` bool (X, Y, Z), the brain and its surroundings."""

    brain: Brain
    image: Image
    region: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, atlas: Brain, level: Level) -> "FixedImage":
        """The atlas at the level's spacing."""
        brain = atlas.coarser(level.spacing) if level.spacing > SPACING else atlas
        distance = ndimage.distance_transform_edt(brain.share.array < 0.5, sampling=level.spacing)
        return cls(brain, brain.smoothed(level.sigma), distance <= MARGIN)


@dataclass(frozen=True, eq=False)
class Fit:
    """The pose found, from the atlas's world to the scan's, and the name of the initial pose that led to it."""

    pose: Affine
    start: str


class AffineRegistration:
    """Registers brains to one atlas; what is computed from the atlas is reused for the next brain."""

    def __init__(self, atlas: Brain) -> None:
        self.coarse = FixedImage.of(atlas, COARSE)
        self.levels = [(level, FixedImage.of(atlas, level)) for level in LEVELS]
        self.samples = FixedSamples.of(self.coarse.brain, COARSE.sigma, self.coarse.region)

    def __call__(self, moving: Brain) -> Fit:
        """The pose of `moving`: the best initial pose of each kind is optimised briefly, the best result completely.

        Raises RuntimeError where atlas and scan do not overlap.
        """
        blurred = moving.smoothed(COARSE.sigma)
        candidates: dict[str, tuple[Affine, float]] = {}
        for poses in initial_poses(self.coarse.brain.shape, moving.shape).values():
            best = max(poses, key=lambda name: self.samples.mutual_information(blurred, poses[name]))
            candidates[best] = optimise(self.coarse, COARSE, blurred, poses[best])
        start = max(candidates, key=lambda name: candidates[name][1])
        return Fit(self.refine(moving, candidates[start][0]), start)

    def refine(self, moving: Brain, pose: Affine) -> Affine:
        """`pose` optimised at all levels. Raises as `__call__`."""
        for level, fixed in self.levels:
            pose, _ = optimise(fixed, level, moving.smoothed(level.sigma), pose)
        return pose


def optimise(fixed: FixedImage, level: Level, moving: Image, pose: Affine) -> tuple[Affine, float]:
    """`pose` after gradient descent, or unchanged where the descent made it worse; and its mutual information, nats.

    The transform is between the voxel frames of both grids, because SimpleITK has no affines with shear.
    """
    of_fixed, of_moving = frame_to_world(fixed.image.grid), frame_to_world(moving.grid)
    centre = np.linalg.inv(of_fixed) @ np.append(fixed.brain.shape.centre, 1)
    transform = _to_itk(np.linalg.inv(of_moving) @ pose @ of_fixed, centre[:3])
    spacing = fixed.image.grid.spacing
    with one_thread():
        method = _method(level)
        method.SetMetricFixedMask(to_sitk(fixed.region, spacing))
        method.SetInitialTransform(transform, True)
        images = to_sitk(fixed.image.array, spacing), to_sitk(moving.array, moving.grid.spacing)
        before = -float(method.MetricEvaluate(*images))
        method.Execute(*images)
    after = -float(method.GetMetricValue())
    # The first steps have a fixed length and may leave a narrow maximum.
    if not after > before:
        return pose, before
    return of_moving @ _from_itk(transform) @ np.linalg.inv(of_fixed), after


def rigid_part(pose: Affine, centre: npt.NDArray[np.float64]) -> Affine:
    """The rotation nearest to `pose`, with the translation that maps `centre` (3,) as `pose` does.

    A brain keeps its size, and has the position and direction of the affine fit.
    """
    rigid = np.eye(4)
    rigid[:3, :3] = nearest_rotation(pose[:3, :3])
    rigid[:3, 3] = pose[:3, :3] @ centre + pose[:3, 3] - rigid[:3, :3] @ centre
    return rigid


def _method(level: Level) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetInterpolator(sitk.sitkLinear)
    if level.share < 1:
        method.SetMetricSamplingStrategy(method.RANDOM)
        method.SetMetricSamplingPercentage(level.share, SEED)
    # A relaxation of 0.5, the default of ITK, stops too early where rotations and scales have nearly the same effect.
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=4.0, minStep=1e-3, numberOfIterations=level.steps, relaxationFactor=0.75
    )
    method.SetOptimizerScalesFromPhysicalShift()
    return method


def _to_itk(matrix: Affine, centre: npt.NDArray[np.float64]) -> sitk.AffineTransform:
    """An affine of ITK: x is mapped to matrix (x - centre) + centre + translation."""
    transform = sitk.AffineTransform(3)
    transform.SetCenter(centre.tolist())
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation((matrix[:3, :3] @ centre + matrix[:3, 3] - centre).tolist())
    return transform


def _from_itk(transform: sitk.AffineTransform) -> Affine:
    matrix, centre = np.eye(4), np.array(transform.GetCenter())
    matrix[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = np.array(transform.GetTranslation()) + centre - matrix[:3, :3] @ centre
    return matrix
