"""Post-processing of anomaly maps and of thresholded maps: named steps of the protocol, the same for every method.

Maps are float32 (X, Y, Z), higher = more anomalous, of any sign; brain masks are bool (X, Y, Z). An axial slice is
map[:, :, z]. A map step takes and returns (map, brain mask); the returned mask is the new region of interest. A
prediction step takes and returns a thresholded map, bool (X, Y, Z); it comes after all map steps, and metrics without a
threshold are not affected by it.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from scipy import ndimage

from uad_bench.errors import UsageError, unknown_name
from uad_bench.evaluate.grid.median import median_in
from uad_bench.evaluate.grid.nearest import filled_around
from uad_bench.evaluate.metrics.connected_components import drop_small
from uad_bench.types import BoolArray, FloatArray

MapAndMask = tuple[FloatArray, BoolArray]


class Step(BaseModel):
    """A post-processing step and its options; `step` is its name in a protocol."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)
    step: str

    def run(self, anomaly_map: FloatArray, brain_mask: BoolArray) -> MapAndMask:
        """The new map and region of interest; the inputs are not changed."""
        raise NotImplementedError

    def on(self, device: str) -> "Step":
        """The same step, computed on a device of torch where it can use one; the result has the same bits."""
        return self


def _odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError(f"must be odd, got {size}: an even window shifts the map by half a voxel")
    return size


class Median(Step):
    """Median filter over a cube of `size` voxels (axes=3), or over a square in the axial slice (axes=2).

    Only brain scores are used: a voxel outside the brain, or outside the grid, is replaced by the nearest brain voxel
    (of the same slice for axes=2). Zeros there would raise the scores at the edge of the brain where scores are
    negative, and lower them where they are positive.

    >>> anomaly_map = np.array([0, 0, 9, 0, 0], np.float32).reshape(5, 1, 1)
    >>> Median(size=3, axes=3).run(anomaly_map, np.ones((5, 1, 1), bool))[0].ravel()
    array([0., 0., 0., 0., 0.], dtype=float32)
    """

    step: Literal["median"] = "median"
    size: Annotated[int, Field(ge=3), AfterValidator(_odd)]
    axes: Literal[2, 3] = 3
    _device: str = PrivateAttr("cpu")

    def on(self, device: str) -> "Median":
        step = self.model_copy()
        step._device = device
        return step

    def run(self, anomaly_map: FloatArray, brain_mask: BoolArray) -> MapAndMask:
        box = _box(brain_mask)
        reach = self.size // 2
        brain = np.pad(brain_mask[box], reach)
        filled = filled_around(np.pad(anomaly_map[box], reach), brain, reach, self.axes)
        window = (self.size, self.size, self.size if self.axes == 3 else 1)
        smooth = anomaly_map.copy()
        smooth[brain_mask] = median_in(filled, brain, window, self._device)
        return smooth, brain_mask


def _box(mask: BoolArray) -> tuple[slice, ...]:
    """The smallest box around a mask that is not empty."""
    sides = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    return tuple(slice(int(side[0]), int(side[-1]) + 1) for side in sides)


class ErodeBrain(Step):
    """Binary erosion of the brain mask in each axial slice with 4 neighbours, `iterations` times.

    Lesion voxels outside the eroded mask count as missed. Outside the grid counts as outside the brain.

    >>> brain = np.ones((5, 5, 1), bool)
    >>> ErodeBrain(iterations=1).run(np.zeros((5, 5, 1), np.float32), brain)[1].sum()
    np.int64(9)
    """

    step: Literal["erode_brain"] = "erode_brain"
    iterations: Annotated[int, Field(ge=1)] = 1

    def run(self, anomaly_map: FloatArray, brain_mask: BoolArray) -> MapAndMask:
        cross = ndimage.generate_binary_structure(2, 1)[:, :, np.newaxis]
        return anomaly_map, ndimage.binary_erosion(brain_mask, cross, self.iterations)


class PredictionStep(Step):
    """Base class of steps on thresholded maps: derive and write `__call__`. A map is not changed."""

    def run(self, anomaly_map: FloatArray, brain_mask: BoolArray) -> MapAndMask:
        return anomaly_map, brain_mask

    def __call__(self, prediction: BoolArray) -> BoolArray:
        """The new prediction, bool (X, Y, Z); the input is not changed."""
        raise NotImplementedError


class DropComponents(PredictionStep):
    """Remove 26-connected components of at most `voxels` voxels (7 in Baur et al. 2021, Behrendt et al. 2023, 2025).

    The published code fills the holes of a component before it counts its voxels. Of components that small, this
    makes a difference only for seven voxels around a hole.

    >>> DropComponents(voxels=1)(np.array([[[True, True, False, True]]]))
    array([[[ True,  True, False, False]]])
    """

    step: Literal["drop_components"] = "drop_components"
    voxels: Annotated[int, Field(ge=1)]

    def __call__(self, prediction: BoolArray) -> BoolArray:
        return drop_small(prediction, self.voxels)


STEPS: dict[str, type[Step]] = {
    "median": Median,
    "erode_brain": ErodeBrain,
    "drop_components": DropComponents,
}


def parse(steps: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The validated steps of a protocol.

    Raises UsageError, with the nearest names, for an unknown step or option, and for a step on maps after a step on
    thresholded maps.

    >>> parse([{"step": "median", "size": 5}])
    (Median(step='median', size=5, axes=3),)
    """
    parsed = tuple(_parse_one(options) for options in steps)
    map_steps, prediction_steps = split(parsed)
    if parsed != (*map_steps, *prediction_steps):
        late = ", ".join(step.step for step in prediction_steps)
        raise UsageError(
            f"a step on maps comes after {late}",
            where="postprocess",
            hint=f"{late} is applied to the thresholded map: write it last",
        )
    return parsed


def split(steps: Iterable[Step]) -> tuple[tuple[Step, ...], tuple[PredictionStep, ...]]:
    """(steps on maps, steps on thresholded maps), each in order; the latter are `View.prediction_steps`."""
    ordered = tuple(steps)
    on_maps = tuple(step for step in ordered if not isinstance(step, PredictionStep))
    return on_maps, tuple(step for step in ordered if isinstance(step, PredictionStep))


def apply(
    anomaly_map: FloatArray, brain_mask: BoolArray, steps: Iterable[Step], ignored: BoolArray | None = None
) -> MapAndMask:
    """The map and the region of interest after all steps on maps; steps on thresholded maps are skipped.

    ignored: voxels that are evaluated as neither lesion nor healthy. They leave the region of interest after the
    steps, whose result must not depend on labels: an erosion would cut the lesions beside a hole in the brain mask.
    Outside the region of interest the map gets its lowest score inside, so that nothing is anomalous there in a figure
    or at a threshold; for an empty brain it is 0.
    """
    for step in split(steps)[0]:
        if not brain_mask.any():
            break
        anomaly_map, brain_mask = step.run(anomaly_map, brain_mask)
    if ignored is not None:
        brain_mask = brain_mask & ~ignored
    floor = anomaly_map[brain_mask].min() if brain_mask.any() else np.float32(0)
    return np.where(brain_mask, anomaly_map, floor), brain_mask


def _parse_one(options: Mapping[str, Any]) -> Step:
    name = options.get("step")
    if name not in STEPS:
        raise unknown_name("post-processing step", str(name), STEPS)
    try:
        return STEPS[name].model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        option = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise unknown_name(f"option of step {name}", option, STEPS[name].model_fields) from error
        raise UsageError(first["msg"], where=f"postprocess step {name}, option {option}") from error
