"""One scan through a trained model: anomaly map and brain mask on the grid of its file, and volumes by threshold."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from uad_bench.cohort.cohort import with_modalities
from uad_bench.data.nifti.read import Image, Mask, Volume, read_grid
from uad_bench.errors import DataError
from uad_bench.pipeline.predict.model import HealthyThreshold, TrainedModel
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.prepare.protocol_grid import other_grid
from uad_bench.prepare.to_native import prepared_grid, to_native
from uad_bench.types import BoolArray, FloatArray, Scan

if TYPE_CHECKING:
    from uad_bench.evaluate.postprocess import Step

#: Distance of the background from the lowest score in the brain, as a share of the range of scores.
BELOW = 0.05


@dataclass(frozen=True)
class ThresholdVolume:
    """What lies at or above a threshold, after the protocol's post-processing: ml in the space of the scan's file, and
    the share of the brain."""

    threshold: HealthyThreshold
    ml: float
    share: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """The anomaly map of one scan. It is no diagnosis: a scan with no voxel above a threshold may be ill.

    prepared: the scan on the protocol's grid; raw: the map there as the method returned it, (X, Y, Z), 0 outside the
    brain. map: after post-processing, on the grid of the scan's file, without NaN; outside the brain `background`,
    which is below every score in it. brain_mask: the voxels of the file's grid that have a score.
    """

    prepared: PreparedCase
    raw: FloatArray
    map: Image
    brain_mask: Mask
    background: float
    brain_ml: float
    volumes: tuple[ThresholdVolume, ...]

    @property
    def case_id(self) -> str:
        """The id of the scan."""
        return self.prepared.case.case_id


def predict_one(model: TrainedModel, ready: PreparedCase) -> Prediction:
    """The prediction of a prepared scan.

    Raises PluginError where the method breaks its contract, DataError where no voxel of the file has a score (UB331).
    """
    from uad_bench.evaluate import postprocess

    scan = ready.scan()
    raw = raw_map(model, scan)
    steps = postprocess.parse(model.spec.protocol.postprocess)
    values, region = postprocess.apply(raw, np.array(scan.brain_mask), steps)
    grid = prepared_grid(ready.record, scan.shape)
    case = ready.case
    native = read_grid(case.images[ready.record["modalities"][0]], case.case_id, case.orientation)
    on_file, inside = to_native(values, region, grid, native)
    if not inside.any():
        hint = "look at the scan and at its brain mask"
        raise DataError("no voxel of the scan has a score", where=case.case_id, hint=hint, code="UB331")
    below = background(on_file[inside])
    volumes = _volumes(model, values, region, steps, grid.voxel_ml)
    return Prediction(
        ready,
        raw,
        Volume(np.where(inside, on_file, np.float32(below)), native.affine),
        Volume(inside, native.affine),
        below,
        int(region.sum()) * grid.voxel_ml,
        volumes,
    )


def raw_map(model: TrainedModel, scan: Scan) -> FloatArray:
    """The map of a prepared scan as the method returns it. Raises PluginError where the method breaks its contract."""
    from uad_bench.method.guard import score_scan

    seen = with_modalities(scan, model.spec.modalities)
    return score_scan(model.method, seen, model.context, model.spec.method)


def check_scan(model: TrainedModel, scan: Scan) -> None:
    """Raise DataError for a scan that was prepared for another protocol: other modalities (UB332) or grid (UB328)."""
    protocol = model.spec.protocol
    if scan.modalities != protocol.modalities:
        what = f"the model takes {', '.join(protocol.modalities)}, the scan has {', '.join(scan.modalities)}"
        raise DataError(what, where=scan.case_id, hint="use a model of the scan's protocol", code="UB332")
    if other := other_grid(scan.shape, scan.spacing, protocol.grid):
        what = f"the scan is on another grid than the model's protocol {protocol.name}: {other}"
        raise DataError(what, where=scan.case_id, hint="prepare it by that protocol", code="UB328")


def background(scores: FloatArray) -> float:
    """A float32 value below all scores, by 5 % of their range, or by 1 where all are equal.

    >>> background(np.array([0, 10], np.float32)), background(np.array([2, 2], np.float32))
    (-0.5, 1.0)
    """
    low, high = np.float32(scores.min()), np.float32(scores.max())
    below = np.float32(float(low) - (BELOW * (float(high) - float(low)) if high > low else 1.0))
    return float(min(below, np.nextafter(low, np.float32(-np.inf))))


def _volumes(
    model: TrainedModel, values: FloatArray, region: BoolArray, steps: "tuple[Step, ...]", voxel_ml: float
) -> tuple[ThresholdVolume, ...]:
    """The volume at or above each threshold, counted on the protocol's grid as the evaluation does."""
    from uad_bench.evaluate import postprocess

    found, brain = [], max(int(region.sum()), 1)
    for threshold in model.thresholds:
        above = (values >= threshold.value) & region
        for step in postprocess.split(steps)[1]:
            above = step(above)
        voxels = int(above.sum())
        found.append(ThresholdVolume(threshold, voxels * voxel_ml, voxels / brain))
    return tuple(found)
