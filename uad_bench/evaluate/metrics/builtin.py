"""The built-in metrics, by name only; they enter by the same door as anyone's."""

from uad_bench.hookspecs import Register, hookimpl


@hookimpl
def register_metrics(register: Register) -> None:
    """Name all of them; what each one is: docs/metrics.md."""
    voxel = "uad_bench.evaluate.metrics.voxel"
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
    regions = "uad_bench.evaluate.metrics.aupro"
    register("aupro30", f"{regions}:Aupro30", "per-lesion recall area up to a false-positive rate of 0.3")
    register("aupro05", f"{regions}:Aupro05", "per-lesion recall area up to a false-positive rate of 0.05")
    register("dice", f"{voxel}:Dice", "Dice overlap at each threshold rule")
    register("fpr", f"{voxel}:FalsePositiveRate", "share of healthy voxels called anomalous")
    for module, members in _BY_MODULE.items():
        for name, cls, summary in members:
            register(name, f"uad_bench.evaluate.metrics.{module}:{cls}", summary)


_BY_MODULE = {
    "lesion": (
        ("lesion_recall", "LesionRecall", "share of lesions found, any overlap"),
        ("lesion_precision", "LesionPrecision", "share of findings that touch a lesion"),
        ("lesion_f1", "LesionF1", "F1 of lesions, any overlap"),
        ("lesion_recall_iou10", "LesionRecallIou10", "share of lesions paired with a finding, IoU >= 0.1"),
        (
            "lesion_precision_iou10",
            "LesionPrecisionIou10",
            "share of findings paired with a lesion, IoU >= 0.1",
        ),
        ("lesion_f1_iou10", "LesionF1Iou10", "lesion-wise F1 of pairs with IoU >= 0.1"),
        ("lesion_recall_iou25", "LesionRecallIou25", "share of lesions paired with a finding, IoU >= 0.25"),
        (
            "lesion_precision_iou25",
            "LesionPrecisionIou25",
            "share of findings paired with a lesion, IoU >= 0.25",
        ),
        ("lesion_f1_iou25", "LesionF1Iou25", "lesion-wise F1 of pairs with IoU >= 0.25"),
    ),
    "brats": (
        ("lesion_dice_brats", "LesionDiceBrats", "lesion-wise Dice of BraTS 2023"),
        ("lesion_hd95_brats", "LesionHd95Brats", "lesion-wise HD95 of BraTS 2023 in mm"),
    ),
    "lesion_strata": (
        ("detect_size_lt10", "SizeLt10", "share found of lesions below 10 mm3"),
        ("detect_size_10to100", "Size10To100", "share found of lesions of 10 to 100 mm3"),
        ("detect_size_100to1000", "Size100To1000", "share found of lesions of 100 to 1000 mm3"),
        ("detect_size_ge1000", "SizeGe1000", "share found of lesions of 1000 mm3 or more"),
        ("detect_contrast_dark", "Dark", "share found of lesions darker than their surroundings"),
        ("detect_contrast_iso", "Iso", "share found of lesions as bright as their surroundings"),
        ("detect_contrast_bright", "Bright", "share found of lesions brighter than their surroundings"),
        ("detect_depth_lt10", "Shallow", "share found of lesions near the surface"),
        ("detect_depth_ge10", "Deep", "share found of deep lesions"),
        ("detect_side_left", "Left", "share found of lesions in the left half of the brain"),
        ("detect_side_right", "Right", "share found of lesions in the right half of the brain"),
        ("detect_height_lower", "Lower", "share found of lesions in the lower third of the brain"),
        ("detect_height_middle", "Middle", "share found of lesions in the middle third of the brain"),
        ("detect_height_upper", "Upper", "share found of lesions in the upper third of the brain"),
    ),
    "healthy": (
        ("fp_components", "FalsePositiveComponents", "false findings in a healthy scan"),
        ("fp_volume", "FalsePositiveVolume", "volume called anomalous in a healthy scan, ml"),
    ),
    "surface": (
        ("hd95", "Hd95", "95 % Hausdorff distance in mm"),
        ("assd", "Assd", "average symmetric surface distance in mm"),
        ("nsd_1mm", "Nsd1", "normalised surface Dice, tolerance 1 mm"),
        ("nsd_2mm", "Nsd2", "normalised surface Dice, tolerance 2 mm"),
    ),
    "image": (
        ("case_auroc_max", "CaseAurocMax", "AUROC of scans, largest score"),
        ("case_auroc_mean", "CaseAurocMean", "AUROC of scans, mean score"),
        ("case_auroc_q99", "CaseAurocQ99", "AUROC of scans, 99 % quantile"),
        ("case_ap_max", "CaseApMax", "average precision of scans, largest score"),
        ("case_ap_mean", "CaseApMean", "average precision of scans, mean score"),
        ("case_ap_q99", "CaseApQ99", "average precision of scans, 99 % quantile"),
        ("slice_auroc_max", "SliceAurocMax", "AUROC of slices, largest score"),
        ("slice_auroc_q99", "SliceAurocQ99", "AUROC of slices, 99 % quantile"),
        ("slice_ap_max", "SliceApMax", "average precision of slices, largest score"),
        ("slice_ap_q99", "SliceApQ99", "average precision of slices, 99 % quantile"),
    ),
    "calibration": (
        ("ece", "ExpectedCalibrationError", "expected calibration error of probabilities"),
        ("brier", "Brier", "Brier score of probabilities"),
    ),
}
