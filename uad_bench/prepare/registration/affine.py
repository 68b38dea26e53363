"""The affine fit of a brain to an atlas: mutual information (Mattes et al., IEEE TMI 22(1), 2003), coarse to fine.

One thread and fixed seeds: the same brain gives the same fit in every process.
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
    Probe,
    nearest_rotation,
    starts,
)
from uad_bench.prepare.registration.sitk import frame_to_world, one_thread, to_sitk
from uad_bench.types import Affine

SEED = 1


@dataclass(frozen=True)
class Level:
    """One round of the fit: voxels of the atlas and smoothing of both images in mm, the share of the voxels that
    is sampled, and the most steps."""

    spacing: float
    sigma: float
    share: float
    steps: int


COARSE = Level(6.0, 3.0, 1.0, 40)
LEVELS = (Level(4.0, 2.0, 0.3, 60), Level(2.0, 1.0, 0.06, 40))


@dataclass(frozen=True, eq=False)
class Fixed:
    """The atlas as one level sees it: `image` smoothed, `region` bool (X, Y, Z), the brain and its surroundings."""

    brain: Brain
    image: Image
    region: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, atlas: Brain, level: Level) -> "Fixed":
        """The atlas at the level's spacing."""
        brain = atlas.coarser(level.spacing) if level.spacing > SPACING else atlas
        away = ndimage.distance_transform_edt(brain.share.array < 0.5, sampling=level.spacing)
        return cls(brain, brain.smoothed(level.sigma), away <= MARGIN)


@dataclass(frozen=True, eq=False)
class Fit:
    """The pose found, from the atlas's world to the scan's, and the name of the start that led to it."""

    pose: Affine
    start: str


class AffineFit:
    """Fits brains to one atlas; what is made of the atlas is kept for the next brain."""

    def __init__(self, atlas: Brain) -> None:
        self.coarse = Fixed.of(atlas, COARSE)
        self.levels = [(level, Fixed.of(atlas, level)) for level in LEVELS]
        self.probe = Probe.of(self.coarse.brain, COARSE.sigma, self.coarse.region)

    def __call__(self, moving: Brain) -> Fit:
        """The pose of `moving`: the likest start of each kind is optimised briefly, the best of them to the end.

        Raises RuntimeError where nothing of the atlas meets the scan.
        """
        blurred = moving.smoothed(COARSE.sigma)
        tried: dict[str, tuple[Affine, float]] = {}
        for poses in starts(self.coarse.brain.shape, moving.shape).values():
            likest = max(poses, key=lambda name: self.probe.likeness(blurred, poses[name]))
            tried[likest] = optimised(self.coarse, COARSE, blurred, poses[likest])
        start = max(tried, key=lambda name: tried[name][1])
        return Fit(self.refined(moving, tried[start][0]), start)

    def refined(self, moving: Brain, pose: Affine) -> Affine:
        """`pose` optimised at all levels. Raises as above."""
        for level, fixed in self.levels:
            pose, _ = optimised(fixed, level, moving.smoothed(level.sigma), pose)
        return pose


def optimised(fixed: Fixed, level: Level, moving: Image, pose: Affine) -> tuple[Affine, float]:
    """`pose` after gradient descent, or as it was where the descent led away from it; with its mutual information
    (Mattes), nats.

    The transform works between the own frames of both grids, so that oblique headers are no trouble.
    """
    here, there = frame_to_world(fixed.image.grid), frame_to_world(moving.grid)
    centre = np.linalg.inv(here) @ np.append(fixed.brain.shape.centre, 1)
    transform = _to_itk(np.linalg.inv(there) @ pose @ here, centre[:3])
    spacing = fixed.image.grid.spacing
    with one_thread():
        method = _method(level)
        method.SetMetricFixedMask(to_sitk(fixed.region, spacing))
        method.SetInitialTransform(transform, True)
        images = to_sitk(fixed.image.array, spacing), to_sitk(moving.array, moving.grid.spacing)
        before = -float(method.MetricEvaluate(*images))
        method.Execute(*images)
    after = -float(method.GetMetricValue())
    # The first steps have a fixed length and may leave a sharp peak for good.
    if not after > before:
        return pose, before
    return there @ _from_itk(transform) @ np.linalg.inv(here), after


def rigid_part(pose: Affine, centre: npt.NDArray[np.float64]) -> Affine:
    """The rotation nearest to `pose`, with the shift that leads `centre` (3,) where `pose` does.

    A brain keeps its size in it, and lies as it would after the affine fit.
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
    # A relaxation of one half, ITK's own, stops short where rotations and scales are nearly exchangeable.
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=4.0, minStep=1e-3, numberOfIterations=level.steps, relaxationFactor=0.75
    )
    method.SetOptimizerScalesFromPhysicalShift()
    return method


def _to_itk(matrix: Affine, centre: npt.NDArray[np.float64]) -> sitk.AffineTransform:
    """ITK's affine about a centre: x goes to matrix (x - centre) + centre + translation."""
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
