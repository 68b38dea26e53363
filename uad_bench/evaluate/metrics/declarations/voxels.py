"""Declarations of the voxel metrics and of AUPRO."""

from uad_bench.evaluate.metrics.declarations.declaration import Declaration

_LESION = ("empty_brain", "no_positive")
_BOTH_CLASSES = (*_LESION, "no_negative")


def _partial_auroc(name: str, limit: float) -> Declaration:
    return Declaration(
        name,
        f"voxel:PartialAuroc{round(100 * limit):02d}",
        summary=f"area under the ROC curve up to a false-positive rate of {limit}, standardised",
        formula=f"(1 + (A − f²/2) / (f − f²/2)) / 2, A the area under the ROC curve for FPR in [0, f], f = {limit}: "
        "0.5 for a random score, 1 for a perfect one",
        undefined=_BOTH_CLASSES,
        source="McClish 1989; `roc_auc_score(max_fpr=...)` of scikit-learn",
        constants={"limit": limit},
    )


def _sensitivity(name: str, limit: float) -> Declaration:
    return Declaration(
        name,
        f"voxel:Sensitivity{round(100 * limit):02d}",
        summary=f"largest sensitivity at a false-positive rate of at most {100 * limit:g} %",
        formula=f"max over t with FPR(t) ≤ {limit} of TPR(t), both rates of the same brain (pooled: of all brains)",
        undefined=_BOTH_CLASSES,
        oracle=True,
        constants={"limit": limit},
    )


def _aupro(name: str, limit: float) -> Declaration:
    return Declaration(
        name,
        f"aupro:Aupro{round(100 * limit):02d}",
        summary=f"area under the per-lesion recall curve up to a false-positive rate of {limit}",
        formula="(1/f) ∫ r d(FPR) over FPR in [0, f], r(t) the mean over lesions of the share of their voxels with "
        f"s ≥ t, f = {limit}: f/2 for a map of one value",
        undefined=_BOTH_CLASSES,
        source="Bergmann et al. 2021, here with 26-connected lesions in 3-D",
        constants={"limit": limit},
    )


VOXELS = (
    Declaration(
        "ap",
        "voxel:AveragePrecision",
        summary="average precision of lesion voxels",
        formula="Σₙ (Rₙ − Rₙ₋₁) Pₙ, Rₙ and Pₙ recall and precision at the n-th highest distinct score; "
        "no interpolation",
        undefined=_LESION,
        source="`average_precision_score` of scikit-learn; Davis and Goadrich 2006",
        per_stage=True,
    ),
    Declaration(
        "ap_gain",
        "voxel:AveragePrecisionGain",
        summary="average precision above chance, as a share of the largest possible gain",
        formula="(AP − π) / (1 − π), π the prevalence: 0 for a random score, 1 for a perfect one",
        undefined=_BOTH_CLASSES,
        value_range="(−∞, 1]",
    ),
    Declaration(
        "auroc",
        "voxel:Auroc",
        summary="area under the ROC curve of lesion voxels",
        formula="Pr(s⁺ > s⁻) + Pr(s⁺ = s⁻) / 2, s⁺ the score of a random lesion voxel and s⁻ of a random other voxel "
        "of the brain",
        undefined=_BOTH_CLASSES,
        source="Hanley and McNeil 1982; `roc_auc_score` of scikit-learn",
    ),
    Declaration(
        "prevalence",
        "voxel:Prevalence",
        summary="share of lesion voxels: the average precision of a random score",
        formula="π = n⁺ / (n⁺ + n⁻)",
        undefined=_LESION,
        better="",
    ),
    _partial_auroc("pauroc30", 0.3),
    _partial_auroc("pauroc05", 0.05),
    _sensitivity("sens_fpr05", 0.05),
    _sensitivity("sens_fpr01", 0.01),
    _aupro("aupro30", 0.3),
    _aupro("aupro05", 0.05),
    Declaration(
        "dice",
        "voxel:Dice",
        summary="Dice overlap of lesion voxels at each threshold rule",
        formula="2 TP / (2 TP + FP + FN); pooled: of the counts summed over cases",
        undefined=(*_LESION, "no_threshold"),
        source="Dice 1945",
        per_rule=True,
        per_stage=True,
    ),
)
