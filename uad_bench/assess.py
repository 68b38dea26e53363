"""Stage evaluate of a run: stored maps and lesion masks become numbers; no method takes part any more."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from uad_bench import machine, plugins, store
from uad_bench.cohort import Cohort, Member
from uad_bench.config import Protocol, RunSpec
from uad_bench.data.splits import ids_hash
from uad_bench.errors import UsageError
from uad_bench.types import Scored

if TYPE_CHECKING:
    from uad_bench.board.panels import Panel
    from uad_bench.evaluate.engine import Evaluation
    from uad_bench.evaluate.metric import Metric
    from uad_bench.evaluate.thresholds import Threshold

Say = Callable[[str], None]


def assess(directory: store.RunDir, spec: RunSpec, cohort: Cohort, say: Say) -> None:
    """Write cases.csv, metrics.csv, thresholds.csv and the pictures of a run from its maps.

    Raises IntegrityError for a map that cannot be read, DataError where a threshold saw a test case.
    """
    test = {plugins.label(name): Views(directory, cohort.of("test", name), spec) for name in spec.test}
    evaluate(directory, spec, cohort, test)
    say(f"{spec.method} seed {spec.seed}: evaluated on {', '.join(test)}")
    for number, (dataset, views) in enumerate(test.items()):
        draw(directory, spec, views, dataset, f"sheet-{dataset}.png" if number else "sheet.png")


def evaluate(directory: store.RunDir, spec: RunSpec, cohort: Cohort, test: "dict[str, Views]") -> None:
    """Thresholds from val and tune maps, then every metric on the test maps of each dataset; writes the tables."""
    from uad_bench.evaluate import engine, thresholds

    metrics = load_metrics(spec.protocol.metrics)
    validation = Views(directory, cohort.of("val"), spec)
    found: dict[str, Evaluation] = {}
    for dataset, views in test.items():
        rules = thresholds.resolve(
            spec.protocol.thresholds,
            validation=validation,
            tune=Views(directory, cohort.of("tune", dataset), spec),
            test=views,
        )
        found[dataset] = engine.evaluate(views, metrics, rules, spec.protocol.thresholds)
    _write(directory, found)


def check_protocol(protocol: Protocol) -> None:
    """Raise UsageError for a step, rule or metric that does not exist, now and not after hours of training."""
    from uad_bench.evaluate import postprocess, thresholds
    from uad_bench.prepare.chain import parse_steps

    parse_steps(protocol.steps)
    postprocess.parse(protocol.postprocess)
    load_metrics(protocol.metrics)
    for rule in protocol.thresholds:
        thresholds.healthy_percent(rule)
    if "@oracle" in protocol.primary:
        hint = "choose a primary metric that does not look at the test labels"
        raise UsageError(f"protocol.primary is {protocol.primary!r}, an oracle", hint=hint)


def load_metrics(names: Sequence[str]) -> list["Metric"]:
    """The metrics of a protocol, by name. Raises UsageError for an unknown one."""
    return [plugins.load(plugins.resolve("metric", name))() for name in names]


class Views:
    """The post-processed maps of some members beside their lesion masks, one after the other, re-iterable.

    A few are post-processed side by side, ahead of the reader; small sets are kept for a second pass.
    """

    KEEP_VOXELS = 2e8

    def __init__(self, directory: store.RunDir, members: Sequence[Member], spec: RunSpec) -> None:
        from uad_bench.evaluate import postprocess

        self.members, self._directory = members, directory
        self._steps = postprocess.parse(spec.protocol.postprocess)
        x, y, z = spec.protocol.grid.shape
        self._keep = len(members) * x * y * z < self.KEEP_VOXELS
        self._kept: tuple[Scored, ...] | None = None

    def __iter__(self) -> Iterator[Scored]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Scored] = []
        for scored in self._made():
            if self._keep:
                kept.append(scored)
            yield scored
        self._kept = tuple(kept) if self._keep else None

    def _made(self) -> Iterator[Scored]:
        n = machine.threads()
        with ThreadPoolExecutor(n) as pool:
            for i in range(0, len(self.members), 2 * n):  # a window, so that few volumes are in memory
                # Read here, not in the pool: numpy parses .npy headers with `ast`, which is not thread-safe
                # in CPython 3.11 (python/cpython issue 106905).
                read = [self._read(member) for member in self.members[i : i + 2 * n]]
                yield from pool.map(self._cleaned, read)

    def _read(self, member: Member) -> Scored:
        scan, truth, case = member.prepared.scan(), member.prepared.truth(), member.case
        raw = self._directory.read_map(case.dataset, case.case_id)
        # Two datasets may both have a "case01"; thresholds tell cases apart by this name.
        name = f"{case.dataset}/{case.case_id}"
        # What is neither lesion nor healthy belongs to no region that a number is made from.
        brain = scan.brain_mask if truth.ignored is None else scan.brain_mask & ~truth.ignored
        return Scored(
            name, raw, brain, truth.lesion_mask, scan.spacing,
            healthy=case.healthy, lesion_kind=case.lesion_kind, lost=truth.lost,
        )  # fmt: skip

    def _cleaned(self, raw: Scored) -> Scored:
        from uad_bench.evaluate import postprocess

        values, region = postprocess.apply(raw.map, raw.brain_mask, self._steps)
        return replace(raw, map=values, brain_mask=region)


def _write(directory: store.RunDir, found: "dict[str, Evaluation]") -> None:
    cases = [
        {**vars(row), "dataset": d, "case_id": row.case_id.removeprefix(f"{d}/")}
        for d, e in found.items()
        for row in e.case_rows
    ]
    sets = [{"dataset": d, **vars(row)} for d, e in found.items() for row in e.set_rows]
    points = [_threshold_row(d, t) for d, e in found.items() for t in e.thresholds.values()]
    directory.write_table("cases.csv", store.CASE_COLUMNS, cases)
    directory.write_table("metrics.csv", store.METRIC_COLUMNS, sets)
    directory.write_table("thresholds.csv", store.THRESHOLD_COLUMNS, points)
    directory.write_draws({(d, *key): values for d, e in found.items() for key, values in e.draws.items()})


def _threshold_row(dataset: str, threshold: "Threshold") -> dict[str, Any]:
    return {
        "dataset": dataset, "rule": threshold.rule, "value": threshold.value,
        "n_cases": len(threshold.case_ids), "ids_sha256": ids_hash(threshold.case_ids),
        "oracle": threshold.oracle, "reason": threshold.reason,
    }  # fmt: skip


def draw(directory: store.RunDir, spec: RunSpec, test: Views, dataset: str, name: str) -> None:
    """Write the pictures of one test set: the sheet (a case of every lesion kind, outlined, and the pooled PR curves),
    and dice.png, dice.svg: Dice over every threshold with a mark for each rule."""
    from uad_bench.board.plots_run import draw_dice
    from uad_bench.board.sheet import draw_sheet
    from uad_bench.evaluate.curve import Curve

    views = list(test)
    kinds = sorted({v.lesion_kind for v in views if not v.healthy and v.lesion_kind})
    groups = {"all": [v for v in views if not v.healthy]}
    groups |= {kind: [v for v in views if v.lesion_kind == kind] for kind in kinds}
    curves = {group: Curve.pool([Curve.of_case(v) for v in shown]) for group, shown in groups.items()}
    trained = plugins.label(spec.protocol.train)
    title = f"{spec.method} seed {spec.seed}, {spec.protocol.name}, {trained} -> {dataset}"
    panels = [_panel(member, view) for member, view in _typical(test.members, views)]
    draw_sheet(directory.path / name, panels, curves, title, _healthy_threshold(directory, dataset))
    draw_dice(
        directory.path / name.replace("sheet", "dice", 1), curves["all"], _points(directory, dataset), title
    )


def _typical(members: Sequence[Member], views: Sequence[Scored]) -> list[tuple[Member, Scored]]:
    """Up to six: of every lesion kind the case of median lesion size, more of them where there are few kinds."""
    pairs = list(zip(members, views, strict=True))
    kinds: dict[str, list[tuple[Member, Scored]]] = {}
    for pair in pairs:
        kinds.setdefault("healthy" if pair[1].healthy else pair[1].lesion_kind, []).append(pair)
    for name, group in kinds.items():
        kinds[name] = _from_the_middle(sorted(group, key=lambda pair: int(pair[1].lesion_mask.sum())))
    rounds = zip_longest(*(kinds[name] for name in sorted(kinds, key=lambda k: (k == "healthy", k))))
    return [pair for one in rounds for pair in one if pair is not None][:6]


def _from_the_middle(group: list[tuple[Member, Scored]]) -> list[tuple[Member, Scored]]:
    """A sorted list, its median first, then outwards."""
    order = sorted(range(len(group)), key=lambda i: abs(i - len(group) // 2))
    return [group[i] for i in order]


def _panel(member: Member, view: Scored) -> "Panel":
    from uad_bench.board.panels import Panel

    scan = member.prepared.scan()
    kind = "healthy" if view.healthy else (view.lesion_kind or "lesion")
    return Panel(
        member.case.case_id, kind, scan.image[0], view.map, view.brain_mask, view.lesion_mask, view.spacing
    )


def _points(directory: store.RunDir, dataset: str) -> dict[str, float]:
    """The threshold of each rule that has one for all cases."""
    rows = [row for row in directory.table("thresholds.csv") if row["dataset"] == dataset and row["value"]]
    return {row["rule"]: float(row["value"]) for row in rows}


def _healthy_threshold(directory: store.RunDir, dataset: str) -> float | None:
    """The first threshold that saw healthy scans only, for the picture."""
    for row in directory.table("thresholds.csv"):
        if row["dataset"] == dataset and row["rule"].startswith("healthy") and row["value"]:
            return float(row["value"])
    return None
