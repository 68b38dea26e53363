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
    register(
        "pauroc30", f"{voxel}:PartialAuroc30", "standardised ROC area up to a false-positive rate of 0.3"
    )
    register(
        "pauroc05", f"{voxel}:PartialAuroc05", "standardised ROC area up to a false-positive rate of 0.05"
    )
    register("sens_fpr05", f"{voxel}:Sensitivity05", "sensitivity at a false-positive rate of 5 %")
    register("sens_fpr01", f"{voxel}:Sensitivity01", "sensitivity at a false-positive rate of 1 %")
    regions = "uad_bench.evaluate.regions"
    register("aupro30", f"{regions}:Aupro30", "per-lesion recall area up to a false-positive rate of 0.3")
    register("aupro05", f"{regions}:Aupro05", "per-lesion recall area up to a false-positive rate of 0.05")
    register("dice", f"{voxel}:Dice", "Dice overlap at each threshold rule")
    register("fpr", f"{voxel}:FalsePositiveRate", "share of healthy voxels called anomalous")
