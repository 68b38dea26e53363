"""From anomaly maps after post-processing and lesion masks to rows of numbers, for the test cases of one dataset.

Cases are read one at a time. Of each case the curve is kept, 4 bytes for a brain voxel, so that pooled values are
exact. Where the curves of all cases together need more memory than is allowed, the voxels that are not lesion are
counted in a second pass over the cases instead, with the same numbers. No number depends on the order of the cases.

A metric is computed for the cases of its population only. A pool never mixes healthy scans with lesion cases, except
for metrics of both populations, for which each group of lesion cases is pooled with all healthy test cases.
`case_groups` defines the groups.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from uad_bench.errors import DataError, PluginError, unknown_name
from uad_bench.evaluate.case_groups import CaseResult, PooledCurves, gather
from uad_bench.evaluate.curves.bootstrap import BootstrapCase
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.operating_points import Floats
from uad_bench.evaluate.curves.score_histogram import Sketch
from uad_bench.evaluate.curves.streamed_curve import StreamedCurve
from uad_bench.evaluate.metric import Metric
from uad_bench.evaluate.metric_queries import MetricQuery, PredictionSteps, metric_queries, views
from uad_bench.evaluate.metrics.aupro import RegionMetric
from uad_bench.evaluate.rows import CaseRow, SetRow, case_rows, reports
from uad_bench.evaluate.thresholds import Threshold, refuse_leaks
from uad_bench.types import Scored

#: Bytes of scores of voxels that are not lesion, 67 million voxels. The scores of lesion voxels, and in a second
#: pass the counts of each group (`two_pass.SecondPass`), come on top.
MEMORY = 1 << 28


@dataclass(frozen=True)
class Evaluation:
    """All rows of one dataset, sorted by case and by group, and the thresholds that were used.

    draws: by group and metric ("ap.pooled"), the values (B,) under `bootstrap.resamples` of the group's lesion cases in
    the order of their ids, NaN where a resample has no value; thresholds stay those of the whole set, those of oracle
    rules included. Only for "all" and the lesion kinds, and for metrics that are read off a curve.
    sketches: the score histogram of each case by id, if requested, as `Sketch.to_bytes` writes it; empty for a case
    without a brain. curves: the pooled curves of "all" and of the lesion kinds, if requested, with counts at all
    thresholds and without the negatives.
    """

    case_rows: tuple[CaseRow, ...]
    set_rows: tuple[SetRow, ...]
    thresholds: Mapping[str, Threshold]
    draws: Mapping[tuple[str, str], Floats] = field(default_factory=dict, compare=False)
    sketches: Mapping[str, bytes] = field(default_factory=dict, compare=False)
    curves: Mapping[str, Curve] = field(default_factory=dict, compare=False)


def evaluate(  # noqa: PLR0913  # options are keywords, each with a default
    test: Iterable[Scored],
    metrics: Sequence[Metric],
    thresholds: Mapping[str, Threshold],
    rules: Sequence[str] | None = None,
    *,
    prediction_steps: PredictionSteps = (),
    memory: int = MEMORY,
    workers: int = 1,
    processes: int = 1,
    strata: bool = True,
    draws: bool = True,
    sketches: bool = False,
    curves: bool = False,
) -> Evaluation:
    """Every metric for every case and group, under every rule (by default all of `thresholds`).

    test: cases with post-processed maps, whose brain masks are the region of interest; read once, or twice where the
    curves need more than `memory` bytes and it is no iterator. prediction_steps: the protocol's post-processing of
    thresholded maps, in order. workers: threads that sort and search in the second pass.
    processes: those that compute the metrics of cases; no number depends on it. strata, draws, sketches,
    curves: also report the groups of strata, resample the cases, make the score histogram of each case, keep the pooled
    curves for figures.

    Raises UsageError for a rule without an entry in `thresholds`, DataError for a duplicate case id and for a threshold
    that was made from a test case, PluginError for a map or a metric that is not finite.
    """
    used = _used(thresholds, thresholds if rules is None else rules)
    queries = list(metric_queries(metrics, used))
    shared = sorted({query.shared_threshold for query in queries if query.shared_threshold is not None})
    evaluate_case = partial(
        _case_result, queries=queries, thresholds=shared, prediction_steps=prediction_steps, sketch=sketches
    )
    results, again = gather(test, evaluate_case, memory, processes)
    _refuse_duplicates(results)
    refuse_leaks(used.values(), [result.case_id for result in results])
    found = reports(results, queries, strata=strata)
    resampled = [report.group.name for report in found if draws and report.resampled]
    kept = {one.group.name: one.group.members for one in found if curves and one.resampled}
    values = sorted({one.value for one in used.values() if one.value is not None})
    uses = [*(pool for one in found for pool in one.pools()), *kept.items()]  # one for each `forget` below
    pooled = PooledCurves(uses, again, values, resampled, workers)
    set_rows: list[SetRow] = []
    drawn: dict[tuple[str, str], Floats] = {}
    shown: dict[str, Curve] = {}
    for report in found:
        set_rows += report.rows(pooled)
        if report.group.name in kept:
            shown[report.group.name] = StreamedCurve.counted(pooled[report.group.name], values)
            pooled.forget([report.group.name])
        if report.group.name in resampled:
            # A prediction after post-processing is not on the curve that is resampled.
            drawn |= {k: x for k, x in report.draws(pooled) if not (prediction_steps and "@" in k[1])}
        pooled.forget(name for name, _ in report.pools())
    histograms = {result.case_id: result.sketch for result in results if result.sketch}
    return Evaluation(tuple(case_rows(results)), tuple(set_rows), used, drawn, histograms, shown)


def _used(thresholds: Mapping[str, Threshold], rules: Iterable[str]) -> dict[str, Threshold]:
    for rule in rules:
        if rule not in thresholds:
            raise unknown_name("threshold rule", rule, thresholds)
    return {rule: thresholds[rule] for rule in rules}


def _case_result(
    scored: Scored,
    queries: Sequence[MetricQuery],
    thresholds: Sequence[float],
    prediction_steps: PredictionSteps,
    *,
    sketch: bool,
) -> CaseResult:
    curve = _curve(scored, regions=any(isinstance(query.metric, RegionMetric) for query in queries))
    populations = ("both", "healthy" if scored.healthy else "lesion")
    own = [query for query in queries if query.metric.population in populations]
    seen = views(scored, curve, own, prediction_steps)
    values = {query.name: query.case_value(seen[query.rule], scored.case_id) for query in own}
    kept = {query.name: query.kept(seen[query.rule]) for query in own}
    return CaseResult(
        scored.case_id,
        scored.lesion_kind,
        scored.healthy,
        scored.strata,
        curve,
        curve.n_brain > 0,
        {name: value for name, value in values.items() if value is not None},
        {name: counts for name, counts in kept.items() if counts is not None},
        None if scored.healthy else BootstrapCase.of(curve, thresholds),
        _sketch(curve) if sketch else None,
    )


def _curve(scored: Scored, *, regions: bool) -> Curve:
    try:
        return Curve.of_case(scored, regions=regions)
    except PluginError as error:
        raise PluginError(error.what, where=f"case {scored.case_id}", hint=error.hint) from error


def _sketch(curve: Curve) -> bytes:
    return Sketch.of(curve.positives, curve.negatives[0], curve.missed if curve.n_brain else 0).to_bytes()


def _refuse_duplicates(results: Sequence[CaseResult]) -> None:
    times = Counter(result.case_id for result in results)
    duplicates = [case_id for case_id, n in times.items() if n > 1]
    if duplicates:
        raise DataError("a test case comes more than once", where=", ".join(duplicates))
