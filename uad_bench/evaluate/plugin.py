"""The built-in metrics, by name only; they enter by the same door as anyone's."""

from uad_bench.hookspecs import Register, hookimpl


@hookimpl
def register_metrics(register: Register) -> None:
    """Name the voxel metrics."""
    voxel = "uad_bench.evaluate.voxel"
    register("ap", f"{voxel}:AveragePrecision", "average precision of lesion voxels")
    register("ap_gain", f"{voxel}:AveragePrecisionGain", "average precision above chance")
    register("auroc", f"{voxel}:Auroc", "area under the ROC curve of lesion voxels")
    register("prevalence", f"{voxel}:Prevalence", "average precision of a random score")
    register("dice", f"{voxel}:Dice", "Dice overlap at each threshold rule")
    register("fpr", f"{voxel}:FalsePositiveRate", "share of healthy voxels called anomalous")
