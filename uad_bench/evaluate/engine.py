"""From post-processed maps and lesion masks to rows of numbers, for the test cases of one dataset.

Cases stream by one at a time; of each its curve is kept, 4 bytes for a brain voxel, so that pools are exact.
Where all curves together need more memory than is given, the negatives are counted in a second pass instead, with
the same numbers. They do not depend on the order of the cases.

A metric is asked about the cases of its population only, and a pool never mixes healthy scans with others, but
for metrics about "both": each lesion group is then shown together with all healthy test cases. `groups` says
which groups there are.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from uad_bench.errors import DataError, PluginError, unknown_name
from uad_bench.evaluate.case_groups import Pools, Result, gather
from uad_bench.evaluate.curves.bootstrap import Patient
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.operating_points import Floats
from uad_bench.evaluate.curves.score_histogram import Sketch
from uad_bench.evaluate.metric import Metric
from uad_bench.evaluate.metric_queries import Ask, CleanUp, asks_of, views
from uad_bench.evaluate.metrics.aupro import RegionMetric
from uad_bench.evaluate.rows import CaseRow, SetRow, case_rows, reports
from uad_bench.evaluate.thresholds import Threshold, refuse_leaks
from uad_bench.types import Scored

#: Bytes of negatives that are kept: 134 million voxels. The positives of all cases, and in a second pass the tallies
#: of the groups (`streaming.SecondPass`), come on top.
MEMORY = 1 << 29


@dataclass(frozen=True)
class Evaluation:
    """All rows of one dataset, sorted by case and by group, and the thresholds that were used.

    draws: by group and metric ("ap.pooled"), its values (B,) under `bootstrap.resamples` of the group's lesion cases
    in the order of their ids, NaN where a resample has none; thresholds stay those of the whole set, oracles'
    too. For "all" and the lesion kinds, and metrics that can be read off a curve.
    sketches: by case id, where they were asked for; a case without a brain has an empty one, as it is in no pool.
    """

    case_rows: tuple[CaseRow, ...]
    set_rows: tuple[SetRow, ...]
    thresholds: Mapping[str, Threshold]
    draws: Mapping[tuple[str, str], Floats] = field(default_factory=dict, compare=False)
    sketches: Mapping[str, Sketch] = field(default_factory=dict, compare=False)


def evaluate(  # noqa: PLR0913  # the flags are keywords, each with a default
    test: Iterable[Scored],
    metrics: Sequence[Metric],
    thresholds: Mapping[str, Threshold],
    rules: Sequence[str] | None = None,
    *,
    cleanup: CleanUp = (),
    memory: int = MEMORY,
    workers: int = 1,
    strata: bool = True,
    draws: bool = True,
    sketches: bool = False,
) -> Evaluation:
    """Every metric for every case and group, under every rule (by default each of `thresholds`).

    `test` holds post-processed maps; its brain masks are the region of interest. It is gone through once, or twice
    where the curves need more than `memory` bytes and it is no iterator. cleanup: what the protocol does to
    a thresholded map, in order. workers: threads that sort and search in the second pass. strata, draws,
    sketches: make the groups of strata, the resamples, a sketch of every case.
    Raises UsageError for a rule without an entry in `thresholds`, DataError where a case comes twice or a
    threshold has seen a test case, PluginError where a map or a metric is not finite.
    """
    used = _used(thresholds, thresholds if rules is None else rules)
    asks = list(asks_of(metrics, used))
    probes = sorted({ask.at for ask in asks if ask.at is not None})
    results, again = gather(
        test, partial(_result, asks=asks, probes=probes, cleanup=cleanup, sketched=sketches), memory
    )
    _refuse_twins(results)
    refuse_leaks(used.values(), [result.case_id for result in results])
    asked = reports(results, asks, strata=strata)
    drawn = [report.group.name for report in asked if draws and report.drawn]
    pools = Pools([pool for report in asked for pool in report.pools()], again, probes, drawn, workers)
    set_rows: list[SetRow] = []
    found: dict[tuple[str, str], Floats] = {}
    for report in asked:
        set_rows += report.rows(pools)
        if report.group.name in drawn:
            # What a clean-up leaves of a prediction is not on the curve that is resampled.
            found |= {key: x for key, x in report.draws(pools) if not (cleanup and "@" in key[1])}
        pools.forget(name for name, _ in report.pools())
    made = {result.case_id: result.sketch for result in results if result.sketch}
    return Evaluation(tuple(case_rows(results)), tuple(set_rows), used, found, made)


def _used(thresholds: Mapping[str, Threshold], rules: Iterable[str]) -> dict[str, Threshold]:
    for rule in rules:
        if rule not in thresholds:
            raise unknown_name("threshold rule", rule, thresholds)
    return {rule: thresholds[rule] for rule in rules}


def _result(
    scored: Scored, asks: Sequence[Ask], probes: Sequence[float], cleanup: CleanUp, *, sketched: bool
) -> Result:
    curve = _curve(scored, regions=any(isinstance(ask.metric, RegionMetric) for ask in asks))
    own = [
        ask for ask in asks if ask.metric.population in ("both", "healthy" if scored.healthy else "lesion")
    ]
    seen = views(scored, curve, own, cleanup)
    values = {ask.name: ask.of_case(seen[ask.rule], scored.case_id) for ask in own}
    kept = {ask.name: ask.evidence(seen[ask.rule]) for ask in own}
    return Result(
        scored.case_id,
        scored.lesion_kind,
        scored.healthy,
        scored.strata,
        curve,
        curve.n_brain > 0,
        {name: value for name, value in values.items() if value is not None},
        {name: evidence for name, evidence in kept.items() if evidence is not None},
        None if scored.healthy else Patient.of(curve, probes),
        _sketch(curve) if sketched else None,
    )


def _curve(scored: Scored, *, regions: bool) -> Curve:
    try:
        return Curve.of_case(scored, regions=regions)
    except PluginError as error:
        raise PluginError(error.what, where=f"case {scored.case_id}", hint=error.hint) from error


def _sketch(curve: Curve) -> Sketch:
    return Sketch.of(curve.positives, curve.negatives[0], curve.missed if curve.n_brain else 0)


def _refuse_twins(results: Sequence[Result]) -> None:
    times = Counter(result.case_id for result in results)
    twins = [case_id for case_id, n in times.items() if n > 1]
    if twins:
        raise DataError("a test case comes more than once", where=", ".join(twins))
