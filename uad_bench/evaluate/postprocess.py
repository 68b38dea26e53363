"""Post-processing of anomaly maps and of predictions: named steps of the protocol, the same for every method.

Maps are float32 (X, Y, Z), higher = more anomalous, of any sign; brain masks bool (X, Y, Z). An axial slice
is map[:, :, z]. A map step takes and gives (map, brain mask); the mask it gives is the new region of interest. A
prediction step takes and gives what a threshold called anomalous, bool (X, Y, Z); it comes after all map steps, and
does not touch a metric that takes no threshold.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from scipy import ndimage

from uad_bench.errors import UsageError, unknown_name
from uad_bench.evaluate.metrics.connected_components import drop_small
from uad_bench.types import BoolArray, FloatArray

Mapped = tuple[FloatArray, BoolArray]


class Step(BaseModel):
    """One step with its options; `step` is its name."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)
    step: str

    def run(self, anomaly_map: FloatArray, brain_mask: BoolArray) -> Mapped:
        """The changed map and region of interest; the inputs stay as they are."""
        raise NotImplementedError


def _odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError(f"must be odd, got {size}: an even window moves the map by half a voxel")
    return size


class Median(Step):
    """Median filter with an edge of `size` voxels: a cube (axes 3), or a square in the axial slice (axes 2).

    Only scores of the brain take part: a place outside it, or beyond the grid, takes the value of the nearest
    brain voxel (of the same slice where axes is 2). Zeros there would pull the rim of a brain up where scores
    are negative and down where they are positive.
    """

    step: Literal["median"] = "median"
    size: Annotated[int, Field(ge=3), AfterValidator(_odd)]
    axes: Literal[2, 3] = 3

    def run(self, anomaly_map: FloatArray, brain_mask: BoolArray) -> Mapped:
        box = ndimage.find_objects(brain_mask.astype(np.uint8))[0]
        reach = self.size // 2
        filled = _nearest_in_brain(np.pad(anomaly_map[box], reach), np.pad(brain_mask[box], reach), self.axes)
        window = (self.size, self.size, self.size if self.axes == 3 else 1)
        inner = (slice(reach, -reach),) * 3
        smooth = anomaly_map.copy()
        smooth[box] = ndimage.median_filter(filled, size=window)[inner]
        return smooth, brain_mask


class ErodeBrain(Step):
    """Shrink the region of interest in every axial slice by a 4-neighbour cross, `iterations` times.

    Lesion voxels that leave it count as missed. The edge of the grid counts as outside the brain.
    """

    step: Literal["erode_brain"] = "erode_brain"
    iterations: Annotated[int, Field(ge=1)] = 1

    def run(self, anomaly_map: FloatArray, brain_mask: BoolArray) -> Mapped:
        cross = ndimage.generate_binary_structure(2, 1)[:, :, np.newaxis]
        return anomaly_map, ndimage.binary_erosion(brain_mask, cross, self.iterations)


class PredictionStep(Step):
    """A step on the prediction: derive and write `__call__`. On a map it does nothing."""

    def run(self, anomaly_map: FloatArray, brain_mask: BoolArray) -> Mapped:
        return anomaly_map, brain_mask

    def __call__(self, prediction: BoolArray) -> BoolArray:
        """The changed prediction; the input stays as it is."""
        raise NotImplementedError


class DropComponents(PredictionStep):
    """Drop the 26-connected components of at most `voxels` voxels (7 in Baur et al. 2021, Behrendt et al. 2023, 2025).

    Voxels are counted as they are. The published code fills the holes of a component first: a difference for seven
    voxels around an empty one, and for no other component that small.
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
    """The steps of a protocol, such as {"step": "median", "size": 5, "axes": 3}, checked.

    Raises UsageError, with the nearest names, for a step or an option that is not known, and for a step on maps that
    comes after one on predictions.
    """
    parsed = tuple(_parse_one(options) for options in steps)
    map_steps, prediction_steps = split(parsed)
    if parsed != (*map_steps, *prediction_steps):
        late = ", ".join(step.step for step in prediction_steps)
        raise UsageError(
            f"a step on maps comes after {late}",
            where="postprocess",
            hint=f"{late} acts on the thresholded map: write it last",
        )
    return parsed


def split(steps: Iterable[Step]) -> tuple[tuple[Step, ...], tuple[PredictionStep, ...]]:
    """(steps on maps, steps on predictions), each in order; the latter are `View.cleanup`."""
    members = tuple(steps)
    on_maps = tuple(step for step in members if not isinstance(step, PredictionStep))
    return on_maps, tuple(step for step in members if isinstance(step, PredictionStep))


def apply(anomaly_map: FloatArray, brain_mask: BoolArray, steps: Iterable[Step]) -> Mapped:
    """The map and the region of interest after all steps on maps; those on predictions are passed over.

    Outside the region of interest the map holds its lowest score within, so that a picture or a threshold
    sees nothing there; in an empty brain it is 0.
    """
    for step in split(steps)[0]:
        if not brain_mask.any():
            break
        anomaly_map, brain_mask = step.run(anomaly_map, brain_mask)
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


def _nearest_in_brain(anomaly_map: FloatArray, brain_mask: BoolArray, axes: int) -> FloatArray:
    """The map with every place outside the brain given the value of the nearest brain voxel."""
    # A slice that is farther than any place in the plane makes the nearest voxel one of the same slice.
    between = 1 if axes == 3 else sum(brain_mask.shape[:2])
    nearest = ndimage.distance_transform_edt(
        ~brain_mask, sampling=(1, 1, between), return_distances=False, return_indices=True
    )
    filled: FloatArray = anomaly_map[tuple(nearest)]
    return filled
