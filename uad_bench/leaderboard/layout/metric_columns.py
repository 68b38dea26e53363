"""Columns that show a metric: which metrics a table shows, in which order, and how a value is written.

All other metrics and groups are in CSV and JSON only.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from uad_bench.evaluate.metrics.declarations.strata import STRATUM
from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.layout.columns import Column, Heading, Text
from uad_bench.leaderboard.run_summary import ORACLE, STEP_SEPARATOR, Name
from uad_bench.leaderboard.table import Cell, Row, Table

Form = Literal["", "pooled", "case"]

HEADINGS: dict[str, tuple[str, Form]] = {
    "ap.case": ("AP per case", "case"),
    "ap.pooled": ("AP pooled", "pooled"),
    "ap_gain.case": ("AP gain", ""),
    "ap_gain.pooled": ("AP gain", ""),
    "auroc.pooled": ("AUROC pooled", ""),
}
#: Pairs with an IoU of at least 0.1 come first: with any overlap, a map that flags the whole brain would be perfect.
LESION_F1 = {"lesion_f1_iou10": "lesion F1, IoU ≥ 0.1", "lesion_f1": "lesion F1"}
#: Rules that take the threshold with the largest Dice on the test cases.
BEST_DICE = ("oracle_case", "oracle_set")


@dataclass(frozen=True)
class ShownMetric:
    """A metric of a group that is shown. chance: form of the prevalence that its values are divided by, "" for none.

    digits: decimals; oracle: the metric uses the test labels.
    """

    heading: str
    name: Name
    chance: Form = ""
    digits: int = 3
    lower_is_better: bool = False
    oracle: bool = False


# --- which metrics are shown ---------------------------------------------------------------------------------


def shown_metrics(table: Table) -> list[ShownMetric]:
    """The metrics that a table has values of: the primary one first, then others, oracles last."""
    known = table.names
    shown = [
        metric for metric in [*_without_threshold(table), *_with_threshold(table)] if metric.name in known
    ]
    primary = ("all", table.primary)
    if primary not in [metric.name for metric in shown]:
        shown.insert(0, ShownMetric(table.primary, primary))
    return [_flagged(table, one) for one in sorted(shown, key=lambda metric: metric.name != primary)]


def subgroup_metrics(table: Table, groups: Iterable[str]) -> list[ShownMetric]:
    """The primary metric of some groups; average precision for groups that lack it."""
    shown = []
    for group in groups:
        candidates = (table.primary, "ap.pooled", "ap.case")
        metric = next((metric for metric in candidates if (group, metric) in table.names), None)
        if metric:
            heading, form = HEADINGS.get(metric, (metric, ""))
            shown.append(_flagged(table, ShownMetric(f"{heading}, {group}", (group, metric), form)))
    return shown


def detection_metrics(table: Table) -> tuple[str, dict[str, list[ShownMetric]]]:
    """A threshold rule that is no oracle, and the pooled recall of lesions at it by trait ("size"), bins in order."""
    heads = {f"{name}.pooled": stratum for name, stratum in STRATUM.items()}
    names = [metric for group, metric in table.names if group == "all" and ORACLE not in metric]
    rules = {_rule(metric) for metric in names if metric.partition("@")[0] in heads}
    rule = min(rules, key=lambda rule: (rule != "healthy_q98", rule), default="")
    found: dict[str, list[ShownMetric]] = {}
    for head, stratum in heads.items():
        if (metric := f"{head}@{rule}") in names:
            found.setdefault(stratum.trait, []).append(ShownMetric(stratum.text, ("all", metric)))
    return rule, found


def step_metrics(table: Table) -> list[ShownMetric]:
    """The primary metric after each post-processing step and at the end; empty where no step has values.

    Without a ratio to the prevalence, since a step may change the brain mask that the prevalence is computed in.
    """
    heading, _ = HEADINGS.get(table.primary, (table.primary, ""))
    names = {step: ("all", f"{step}{STEP_SEPARATOR}{table.primary}") for step in table.steps}
    shown = [ShownMetric(f"{heading}, {step}", name) for step, name in names.items() if name in table.names]
    return [*shown, ShownMetric(f"{heading}, final", ("all", table.primary))] if shown else []


def _flagged(table: Table, shown: ShownMetric) -> ShownMetric:
    """With the flags that the runs declare for the metric; an oracle gets a dagger."""
    metric, oracle = shown.name[1], table.oracle(shown.name[1])
    dagger = wording.DAGGER if oracle and not shown.heading.endswith(wording.DAGGER) else ""
    return replace(
        shown,
        heading=shown.heading + dagger,
        oracle=oracle,
        lower_is_better=shown.lower_is_better or table.lower(metric),
    )


def _without_threshold(table: Table) -> list[ShownMetric]:
    """Metrics without a threshold; of the two AP gains the one that matches the primary metric."""
    other = "ap_gain.case" if table.primary.endswith(".pooled") else "ap_gain.pooled"
    return [
        ShownMetric(heading, ("all", metric), form)
        for metric, (heading, form) in HEADINGS.items()
        if metric != other
    ]


def _with_threshold(table: Table) -> list[ShownMetric]:
    """Metrics at a threshold rule; those with an oracle threshold after the others."""
    names = sorted(table.names, key=lambda name: (ORACLE in name[1], not name[1].endswith("@tune"), name))
    in_all = [metric for group, metric in names if group == "all" and metric.startswith("dice@")]
    dice = [ShownMetric(_dice_heading(table, metric), ("all", metric)) for metric in in_all]
    false_positive_rates = [
        ShownMetric(f"FPR@{_rule(metric)} (healthy)", (group, metric), digits=4, lower_is_better=True)
        for group, metric in names
        if group == "healthy" and metric.startswith("fpr@healthy")
    ]
    return [*dice, *_lesion_f1(names), *false_positive_rates]


def _lesion_f1(names: Iterable[Name]) -> list[ShownMetric]:
    """One lesion-wise F1: at the 98 % rule if there is one, otherwise at the first rule that is not an oracle."""
    found = [m for g, m in names if g == "all" and m.partition("@")[0] in LESION_F1 and ORACLE not in m]
    order = sorted(found, key=lambda m: (m.partition("@")[0] == "lesion_f1", not m.endswith("@healthy_q98")))
    return [
        ShownMetric(f"{LESION_F1[metric.partition('@')[0]]}@{_rule(metric)}", ("all", metric))
        for metric in order[:1]
    ]


def _dice_heading(table: Table, metric: str) -> str:
    """Dice at the threshold of the largest Dice is the best possible, unless the thresholded map is changed."""
    if ORACLE not in metric:
        return f"Dice@{_rule(metric)}"
    best = "best possible " if _rule(metric) in BEST_DICE and not table.after_threshold else ""
    return f"{best}Dice@{_rule(metric)}{wording.DAGGER}"


def _rule(metric: str) -> str:
    return metric.partition("@")[2]


# --- how their values are written ----------------------------------------------------------------------------


def metric_column(
    table: Table, shown: ShownMetric, *, interval: bool = False, with_cases: bool = True
) -> Column:
    """`0.146 ± 0.002 (6.5×)`, or `0.146 ± 0.002 [0.120, 0.172] (6.5×)`; then what is missing in the value.

    with_cases: the grid has the column "cases", which shows the cases that the primary metric lacks.
    """
    chance = _chance(table, shown)

    def text(row: Row) -> str:
        cell = row.cells.get(shown.name)
        ends = _interval_text(cell, shown) if interval else ""
        value = wording.cell_text(row, cell, shown.digits, chance, ends)
        if not with_cases and shown.name == ("all", table.primary):
            return value + wording.primary_missing_text(table, row, cell)
        return value + wording.missing_text(row, cell, table.primary)

    return _column(table, shown, text)


def separate_columns(table: Table, shown: ShownMetric) -> list[Column]:
    """Value, confidence interval and ratio to the prevalence in columns of their own; starred where incomplete."""
    chance = _chance(table, shown)

    def ratio(row: Row) -> str:
        mean = row.mean(shown.name)
        return f"{mean / chance:.1f}" if chance and mean is not None else ""

    def interval(row: Row) -> str:
        return _interval_text(row.cells.get(shown.name), shown)

    def text(row: Row) -> str:
        cell = row.cells.get(shown.name)
        value = wording.cell_text(row, cell, shown.digits, None)
        return value + ("*" if wording.missing_text(row, cell, table.primary) else "")

    found = [_column(table, shown, text)]
    if any(interval(row) for row in table.rows):
        found.append(Column(Heading(wording.percent(table), "interval"), interval))
    if chance:
        found.append(Column(Heading("×", "ratio"), ratio, chance_text="1.0", chance=1.0))
    return found


def short_column(table: Table, shown: ShownMetric) -> Column:
    """`0.146`, starred where incomplete."""

    def text(row: Row) -> str:
        cell = row.cells.get(shown.name)
        if cell is None or cell.mean is None:
            return wording.cell_text(row, cell, shown.digits, None)
        star = "*" if wording.missing_text(row, cell, table.primary) else ""
        return wording.mean_text(cell.mean, None, shown.digits) + star

    return _column(table, shown, text)


def _column(table: Table, shown: ShownMetric, text: Text) -> Column:
    group, metric = shown.name
    key = metric if group == "all" else f"{group}:{metric}"
    heading = Heading(shown.heading, key, metric=True, oracle=shown.oracle, lower=shown.lower_is_better)
    chance = _chance(table, shown)
    chance_text = "" if chance is None else f"{chance:.4f}"
    return Column(heading, text, lambda row: row.mean(shown.name), chance_text, chance, _best(table, shown))


def _set_by_rule(metric: str) -> bool:
    """Whether a threshold rule sets the value that the metric should have, as healthy_q98 sets an FPR of 2 %."""
    name, _, rule = metric.partition("@")
    return name.removesuffix(".pooled") == "fpr" and (rule.startswith("healthy_q") or "_fpr" in rule)


def _interval_text(cell: Cell | None, shown: ShownMetric) -> str:
    return wording.interval_text(cell.low, cell.high, shown.digits) if cell else ""


def _chance(table: Table, shown: ShownMetric) -> float | None:
    return table.prevalence(shown.name[0], shown.chance) if shown.chance else None


def _best(table: Table, shown: ShownMetric) -> frozenset[str]:
    """Labels of the ranked rows with the best value at the printed digits.

    None for an oracle, where the best value is 0 although higher is better, and for a false-positive rate whose target
    is set by its threshold rule: there the lowest value is not the best one.
    """
    if shown.oracle or _set_by_rule(shown.name[1]):
        return frozenset()
    sign = -1 if shown.lower_is_better else 1
    values = {
        row.label: round(mean, shown.digits) * sign
        for row in table.rows
        if row.rank is not None and (mean := row.mean(shown.name)) is not None
    }
    top = max(values.values(), default=None)
    if top == 0 and not shown.lower_is_better:
        return frozenset()
    return frozenset(label for label, value in values.items() if value == top)
