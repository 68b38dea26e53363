"""Maps of any origin to numbers, without a run."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.api.results import Results
from uad_bench.data.nifti.precision import check_float32
from uad_bench.errors import DataError, UsageError
from uad_bench.types import Scored

Array = npt.NDArray[Any]


def evaluate(
    map: Array | Sequence[Array],
    lesion: Array | Sequence[Array],
    brain: Array | Sequence[Array] | None = None,
    *,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    healthy: Sequence[tuple[Array, Array]] = (),
    metrics: Sequence[str] = (),
    thresholds: Sequence[str] = (),
) -> Results:
    """Every metric of anomaly maps (X, Y, Z) of any origin: higher = more anomalous, RAS+ axes, one case or a list.

    lesion: masks, empty for a healthy scan; brain: where scores count, by default where a map is finite and not 0;
    spacing: voxel size in mm; healthy: pairs (map, brain) of healthy scans that thresholds like healthy_q98 are taken
    from; metrics, thresholds: names, by default those of the default protocol. No post-processing is applied. Without
    the image, the contrast of a lesion is not defined (`no_image`). Raises DataError for shapes that differ, scores
    that are not finite and masks with fractions or negative numbers, UsageError for arguments of another form.

    >>> scores = np.zeros((8, 8, 8), np.float32); scores[2:4, 2:4, 2:4] = 1
    >>> done = evaluate(scores, scores > 0, np.ones((8, 8, 8), bool), metrics=["ap", "dice"], thresholds=["oracle_set"])
    >>> done.table.set_index("metric").value.round(3).to_dict()
    {'ap.case': 1.0, 'ap.pooled': 1.0, 'dice@oracle_set': 1.0, 'dice.pooled@oracle_set': 1.0}
    """
    import pandas as pd

    from uad_bench.config import default_protocol, load_protocol
    from uad_bench.evaluate import engine
    from uad_bench.evaluate.thresholds import resolve
    from uad_bench.pipeline.protocol_checks import load_metrics

    usual = load_protocol(default_protocol())
    spacing = _lengths(spacing)
    metrics, thresholds = ([one] if isinstance(one, str) else list(one) for one in (metrics, thresholds))
    test = list(_scored(map, lesion, brain, spacing))
    validation = [_healthy(f"healthy{i:03d}", pair, spacing) for i, pair in enumerate(healthy)]
    rules = resolve(thresholds or usual.thresholds, validation=validation, test=test)
    found = engine.evaluate(test, load_metrics(metrics or usual.metrics), rules, draws=False)
    return Results(
        pd.DataFrame([vars(row) for row in found.case_rows]),
        pd.DataFrame([vars(row) for row in found.set_rows]),
    )


def _scored(maps: Any, lesions: Any, brains: Any, spacing: tuple[float, float, float]) -> Iterator[Scored]:
    single = isinstance(maps, np.ndarray) and maps.ndim == 3
    listed = [[one] if single else list(one) for one in (maps, lesions)]
    listed.append([None] * len(listed[0]) if brains is None else [brains] if single else list(brains))
    if len({len(one) for one in listed}) != 1:
        raise UsageError(
            f"{len(listed[0])} maps, {len(listed[1])} lesion masks, {len(listed[2])} brain masks"
        )
    if not listed[0]:
        raise UsageError("no map is given", hint="give an array (X, Y, Z) or a list of arrays")
    for i, (values, lesion, brain) in enumerate(zip(*listed, strict=True)):
        mask = (np.isfinite(values) & (values != 0)) if brain is None else brain
        yield _one(f"case{i:03d}", values, mask, lesion, spacing)


def _lengths(spacing: Any) -> tuple[float, float, float]:
    """The voxel size as floats, which distances need. Raises UsageError where it is no three positive lengths."""
    sizes = [float(size) for size in np.ravel(spacing)]
    if len(sizes) != 3 or not all(np.isfinite(size) and size > 0 for size in sizes):
        raise UsageError(f"the spacing is {spacing}", hint="give three positive lengths (x, y, z) in mm")
    return sizes[0], sizes[1], sizes[2]


def _healthy(name: str, pair: Any, spacing: tuple[float, float, float]) -> Scored:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise UsageError(f"{name} is no pair", hint="healthy=[(map, brain mask), ...]")
    values, brain = pair
    return _one(name, values, brain, np.zeros(np.shape(values), bool), spacing)


def _one(
    name: str, values: Array, brain: Array, lesion: Array, spacing: tuple[float, float, float]
) -> Scored:
    shapes = {np.shape(one) for one in (values, brain, lesion)}
    if len(shapes) != 1 or len(next(iter(shapes))) != 3:
        what = f"map {np.shape(values)}, brain mask {np.shape(brain)} and lesion mask {np.shape(lesion)}"
        raise DataError(what, where=name, hint="give arrays (X, Y, Z) of one shape", code="UB328")
    _check_kinds(name, values, brain, lesion)
    region, lesions = np.asarray(brain) > 0, np.asarray(lesion) > 0
    check_float32(np.asarray(values)[region], name)
    bad = int((~np.isfinite(np.asarray(values)[region])).sum())
    if bad:
        hint = "give every brain voxel a finite score"
        raise DataError(
            f"the map has {bad} NaN or Inf voxels in the brain", where=name, hint=hint, code="UB326"
        )
    scores = np.where(region, values, 0).astype(np.float32)
    scores[~region] = scores[region].min() if region.any() else 0
    return Scored(name, scores, region, lesions, spacing, healthy=not lesions.any())


def _check_kinds(name: str, values: Array, *masks: Array) -> None:
    """Raise DataError for a map that is not of real numbers (UB323), and for a mask that is none (UB328)."""
    if np.asarray(values).dtype.kind not in "fiub":
        what = f"the map has values of type {np.asarray(values).dtype}"
        raise DataError(what, where=name, hint="give real numbers", code="UB323")
    for mask in (np.asarray(mask, dtype=np.float64) for mask in masks):
        what = "NaN" if np.isnan(mask).any() else "fractions" if (mask != np.rint(mask)).any() else ""
        what = what or ("negative numbers" if (mask < 0).any() else "")  # 255 becomes -1 in 8 signed bits
        if what:
            hint = "a mask has 0 and 1, or True and False"
            raise DataError(f"a mask contains {what}", where=name, hint=hint, code="UB328")
