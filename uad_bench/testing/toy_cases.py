"""Toy input of metrics and preparation steps: anomaly maps with lesion masks, and a brain with two modalities."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_bench.data.nifti.read import Volume
from uad_bench.method.context import Context
from uad_bench.prepare.step import CaseVolumes
from uad_bench.testing.toy import ellipsoid, smooth
from uad_bench.types import BoolArray, FloatArray, Scored

SCORED_SHAPE = (24, 32, 16)
SCORED_SPACING = (2.0, 2.0, 2.0)  # mm
LEVELS = 64  # distinct scores: equal scores occur, and powers of them are exact in float32
#: Centre (x, y, z) and radius in voxels, and contrast to the surroundings, of the lesions of a case.
LESIONS = (
    ((8, 16, 11), 0, 0.0),  # 1 voxel, 8 mm3
    ((9, 14, 8), 1, -0.5),  # 7 voxels, 56 mm3
    ((14, 22, 5), 2, 0.5),  # 33 voxels, 264 mm3
    ((13, 5, 9), 4, 0.0),  # 257 voxels, 2056 mm3, partly outside the brain mask
)

VOLUMES_SHAPE = (32, 40, 32)
VOLUMES_SPACING = 5.0  # mm
CENTRE = (0.0, -18.0, 8.0)  # mm: the middle of an adult brain in MNI space
SHARE = 0.8  # of each side of the grid: 1.25 litres, a small adult brain


def toy_scored(case_id: str = "lesion-0", *, healthy: bool = False, seed: int = 0) -> Scored:
    """A scored case of 24 x 32 x 16 voxels of 2 mm, RAS+: noise plus a signal in the lesions.

    The map has 65 levels in [0, 1], higher = more anomalous. The lesions have 8, 56, 264 and 2056 mm3; they are darker,
    brighter and as bright as their surroundings, and lie in all thirds of the height. The largest extends beyond the
    brain mask, and one more lesion voxel was lost in the preparation. A healthy case has no lesion. Everything depends
    on `seed` and `case_id` alone.

    >>> scored = toy_scored()
    >>> scored.map.shape, int(scored.lesion_mask.sum()), int(toy_scored("h", healthy=True).lesion_mask.sum())
    ((24, 32, 16), 298, 0)
    """
    rng = Context(seed=seed).rng("scored", case_id)
    brain = ellipsoid(SCORED_SHAPE, np.full(3, 0.9))
    lesion, image = np.zeros(SCORED_SHAPE, bool), smooth(rng, SCORED_SHAPE, sigma=1.0)
    for centre, radius, contrast in () if healthy else LESIONS:
        ball = _ball(centre, radius)
        lesion |= ball
        image[ball] += np.float32(contrast)
    noise = rng.random(SCORED_SHAPE) * 0.7
    scores = np.where(brain, noise + 0.3 * lesion * rng.uniform(0.5, 1, SCORED_SHAPE), 0)
    return Scored(
        case_id,
        (np.round(LEVELS * scores) / LEVELS).astype(np.float32),
        brain,
        lesion,
        SCORED_SPACING,
        healthy=healthy,
        lesion_kind="" if healthy else f"kind{sum(map(ord, case_id)) % 2}",
        lost=0 if healthy else 1,
        image=(image * brain)[None],
    )


def toy_cohort() -> list[Scored]:
    """Three lesion cases and two healthy cases, as `toy_scored` makes them."""
    lesion = [toy_scored(f"lesion-{i}") for i in range(3)]
    return [*lesion, *(toy_scored(f"healthy-{i}", healthy=True) for i in range(2))]


def without_lesion(scored: Scored) -> Scored:
    """The case with an empty lesion mask and no lost voxel."""
    return replace(scored, lesion_mask=np.zeros_like(scored.lesion_mask), lost=0)


def without_brain(scored: Scored) -> Scored:
    """The case with an empty brain mask and a map of 0."""
    return replace(scored, brain_mask=np.zeros_like(scored.brain_mask), map=np.zeros_like(scored.map))


def with_scores(scored: Scored, scores: npt.NDArray[np.generic]) -> Scored:
    """The case with another anomaly map (X, Y, Z), 0 outside the brain."""
    return replace(scored, map=np.where(scored.brain_mask, scores, 0).astype(np.float32))


def toy_volumes(case_id: str = "toy-0", *, healthy: bool = False, seed: int = 0) -> CaseVolumes:
    """A case for a preparation step: t1 and t2 without skull, float32 (X, Y, Z) = (32, 40, 32) at 5 mm, RAS+.

    The brain mask holds 1.25 litres around (0, -18, 8) mm. A lesion of 4.1 ml in it has a lesion mask, and a region of
    ignored voxels next to it; a healthy case has neither.

    >>> case = toy_volumes()
    >>> list(case.images), case.images["t1"].array.shape, case.images["t1"].grid.axes
    (['t1', 't2'], (32, 40, 32), 'RAS')
    """
    rng = Context(seed=seed).rng("working", case_id)
    affine = np.diag([VOLUMES_SPACING, VOLUMES_SPACING, VOLUMES_SPACING, 1.0])
    affine[:3, 3] = np.array(CENTRE) - VOLUMES_SPACING * (np.array(VOLUMES_SHAPE) - 1) / 2
    brain = ellipsoid(VOLUMES_SHAPE, np.full(3, SHARE))
    lesion, ignored = (
        _ball(centre, radius, VOLUMES_SHAPE) for centre, radius in (((12, 22, 18), 2), ((17, 22, 18), 1))
    )
    signal = ndimage.gaussian_filter(lesion.astype(np.float32), 0.5)
    images = {name: _image(rng, brain, 0.0 if healthy else 300 * signal) for name in ("t1", "t2")}
    return CaseVolumes(
        case_id,
        {name: Volume(array, affine.copy()) for name, array in images.items()},
        Volume(brain, affine.copy()),
        None if healthy else Volume(lesion, affine.copy()),
        None if healthy else Volume(ignored, affine.copy()),
        stripped=True,
    )


def _image(rng: np.random.Generator, brain: BoolArray, signal: FloatArray | float) -> FloatArray:
    """Intensities of about 100 to 1000 in the brain, 0 outside."""
    array: FloatArray = np.where(brain, 1000 * smooth(rng, brain.shape, sigma=1.5) + 50 + signal, 0).astype(
        np.float32
    )
    return array


def _ball(centre: tuple[int, int, int], radius: int, shape: tuple[int, int, int] = SCORED_SHAPE) -> BoolArray:
    """Bool (X, Y, Z): the voxels within `radius` voxels of a centre."""
    grid = np.moveaxis(np.indices(shape), 0, -1) - np.array(centre)
    ball: BoolArray = (grid**2).sum(axis=-1) <= radius**2
    return ball
