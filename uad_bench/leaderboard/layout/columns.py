"""Which metrics a table of the leaderboard shows, in which order and under which heading.

All other metrics and groups are in CSV and JSON.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.run_summary import ORACLE, STAGE, Name
from uad_bench.leaderboard.table import Table

Form = Literal["", "pooled", "case"]


@dataclass(frozen=True)
class Column:
    """A metric of a group. chance: the form of the prevalence it stands beside, "" where none does.

    oracle: it looks at the test labels.
    """

    heading: str
    name: Name
    chance: Form = ""
    digits: int = 3
    lower_is_better: bool = False
    oracle: bool = False


def columns(table: Table) -> list[Column]:
    """The columns a table has numbers for, the primary metric first, those with an oracle's threshold marked."""
    known = {name for row in table.rows for name in row.cells}
    shown = [column for column in [*_ranking(table), *_operating(known)] if column.name in known]
    primary = ("all", table.primary)
    if primary not in [column.name for column in shown]:
        shown.insert(0, Column(table.primary, primary))
    return [_marked(table, one) for one in sorted(shown, key=lambda column: column.name != primary)]


def _marked(table: Table, column: Column) -> Column:
    """With what the runs say of the metric: an oracle has a dagger."""
    metric, oracle = column.name[1], table.oracle(column.name[1])
    dagger = wording.DAGGER if oracle and not column.heading.endswith(wording.DAGGER) else ""
    return replace(
        column,
        heading=column.heading + dagger,
        oracle=oracle,
        lower_is_better=column.lower_is_better or table.lower(metric),
    )


def of_groups(table: Table, groups: Iterable[str]) -> list[Column]:
    """The primary metric of some groups, or the pooled average precision where they lack the primary one."""
    known = {name for row in table.rows for name in row.cells}
    columns = []
    for group in groups:
        metric = next((m for m in (table.primary, "ap.pooled", "ap.case") if (group, m) in known), None)
        if metric:
            heading, form = HEADINGS.get(metric, (metric, ""))
            columns.append(_marked(table, Column(f"{heading}, {group}", (group, metric), form)))
    return columns


def of_stages(table: Table) -> list[Column]:
    """The primary metric of the maps as each clean-up step left them, then of the final ones; none without steps.

    No ratio to the prevalence: a step may change the brain that it is counted in.
    """
    known = {name for row in table.rows for name in row.cells}
    heading, _ = HEADINGS.get(table.primary, (table.primary, ""))
    names = {stage: ("all", f"{stage}{STAGE}{table.primary}") for stage in table.stages}
    shown = [Column(f"{heading}, {stage}", name) for stage, name in names.items() if name in known]
    return [*shown, Column(f"{heading}, final", ("all", table.primary))] if shown else []


HEADINGS: dict[str, tuple[str, Form]] = {
    "ap.case": ("AP per case", "case"),
    "ap.pooled": ("AP pooled", "pooled"),
    "ap_gain.case": ("AP gain", ""),
    "ap_gain.pooled": ("AP gain", ""),
    "auroc.pooled": ("AUROC", ""),
}


def _ranking(table: Table) -> list[Column]:
    """What needs no threshold; of the two gains the one that goes with the primary metric."""
    other = "ap_gain.case" if table.primary.endswith(".pooled") else "ap_gain.pooled"
    return [
        Column(heading, ("all", metric), form)
        for metric, (heading, form) in HEADINGS.items()
        if metric != other
    ]


def _operating(known: Iterable[Name]) -> list[Column]:
    """Metrics at a threshold rule; those whose rule is an oracle come after the others."""
    names = sorted(known, key=lambda name: (ORACLE in name[1], not name[1].endswith("@tune"), name))
    dice = [Column(_dice(m), (g, m)) for g, m in names if g == "all" and m.startswith("dice@")]
    alarms = [
        Column(f"FPR@{metric.partition('@')[2]} (healthy)", (group, metric), digits=4, lower_is_better=True)
        for group, metric in names
        if group == "healthy" and metric.startswith("fpr@healthy")
    ]
    return [*dice, *_lesions(names), *alarms]


def _dice(metric: str) -> str:
    rule = metric.partition("@")[2]
    return f"ceiling Dice@{rule}{wording.DAGGER}" if ORACLE in metric else f"Dice@{rule}"


#: By any overlap a map that calls all of the brain is perfect, so pairs of an IoU of 0.1 come first.
LESION_F1 = {"lesion_f1_iou10": "lesion F1, IoU ≥ 0.1", "lesion_f1": "lesion F1"}


def _lesions(names: Iterable[Name]) -> list[Column]:
    """One lesion-wise F1: that of the 98 % rule if there, else the first that is no oracle's."""
    found = [m for g, m in names if g == "all" and m.partition("@")[0] in LESION_F1 and ORACLE not in m]
    order = sorted(found, key=lambda m: (m.partition("@")[0] == "lesion_f1", not m.endswith("@healthy_q98")))
    return [
        Column(f"{LESION_F1[metric.partition('@')[0]]}@{metric.partition('@')[2]}", ("all", metric))
        for metric in order[:1]
    ]
