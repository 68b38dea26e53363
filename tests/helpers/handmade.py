"""Leaderboard tables made by hand: one with every field filled, and rows in which every optional field is empty."""

import numpy as np

from uad_bench.leaderboard.run_summary import Cost
from uad_bench.leaderboard.statistic_types import Contrast, CriticalDifference, RankStatistics
from uad_bench.leaderboard.table import Cell, Reported, Row, Table, TableKey

METHODS = {"patch2loc:conv": 0.42, "ae": 0.31, "vae": 0.30, "thresh": 0.36}
PREVALENCE = 0.021
CRITICAL = CriticalDifference(
    "ap", 28, (("patch2loc:conv", 1.5), ("thresh", 2.0), ("ae", 2.5), ("vae", 4.0)), 1.2, 0.0004,
    (("patch2loc:conv", "thresh", "ae"),),
)  # fmt: skip


def cell(mean, sd=0.012, seeds=5, n=28, undefined=2, half=0.05):
    return Cell(mean, sd, seeds, n, undefined, "", mean - half, mean + half)


def cells(mean):
    """Values of every group and metric that a table may show, derived from one mean."""
    gain = (mean - PREVALENCE) / (1 - PREVALENCE)
    found = {
        ("all", "ap.case"): cell(mean), ("all", "ap.pooled"): cell(mean + 0.05),
        ("all", "prevalence.case"): Cell(PREVALENCE, 0.0, 5, 28, 2),
        ("all", "prevalence.pooled"): Cell(0.03, 0.0, 5, 28, 2),
        ("all", "ap_gain.case"): cell(gain), ("all", "auroc.pooled"): cell(mean + 0.4),
        ("all", "dice@tune"): cell(mean - 0.03), ("all", "dice@healthy_q98"): cell(mean - 0.1),
        ("all", "dice@oracle_case"): cell(mean + 0.1), ("all", "dice@oracle_set"): cell(mean + 0.08),
        ("all", "lesion_f1@healthy_q98"): cell(mean - 0.05), ("healthy", "fpr@healthy_q98"): cell(0.03 - mean / 50),
        ("site=HH", "ap.case"): cell(mean - 0.02), ("site=IOP", "ap.case"): cell(mean + 0.02),
        ("sex=F", "ap.case"): cell(mean + 0.01),
    }  # fmt: skip
    found |= {(kind, "ap.case"): cell(mean - 0.1) for kind in ("ms", "tumour")}
    sizes = ("lt10", "10to100", "100to1000", "ge1000")
    return found | {
        ("all", f"detect_size_{size}.pooled@healthy_q98"): cell(min(mean * (n + 1) / 2, 0.94), n=40 * (4 - n))
        for n, size in enumerate(sizes)
    }


def row(label, mean, rank=1, **changes):
    """A ranked row with every statistic."""
    values = np.random.default_rng(len(label)).normal(mean, 0.1, 28).clip(0, 1)
    fields = {
        "rank": rank, "label": label, "method": label, "null": False, "deterministic": False, "cells": cells(mean),
        "paper": "Author et al. 2025", "done": 5, "started": 5,
        "rank_statistics": rank and RankStatistics(rank, rank + 1, 0.8 / rank, "aabb"[rank - 1], 5 - rank),
        "to_best": Contrast("patch2loc:conv", "ap.case", 28, mean - 0.42, -0.3, 0.01, 0.01, 0.03, 0.02),
        "to_baseline": Contrast("atlas-z", "ap.case", 28, mean - 0.2, 0.05, 0.2, 0.0002, 0.0006, 0.001),
        "cost": Cost(11_200_000, 0.52, 340.0, 2100, 4000, "cpu"),
        "values": {f"case{i:02d}": float(value) for i, value in enumerate(values)},
    }  # fmt: skip
    return Row(**(fields | changes))


def control(label, mean, **changes):
    """An uninformative control: a row without rank and comparisons."""
    fields = {
        "rank": None,
        "null": True,
        "rank_statistics": None,
        "to_best": None,
        "to_baseline": None,
        "paper": "",
    }
    return row(label, mean, **(fields | changes))


def table(rows=None, *, test="mslub", protocol="uad-1mm", not_comparable="", primary="ap.case", **changes):
    key = TableKey(protocol, test, "ixi", "34af49f68024", "{}", "f" * 64, "d" * 64)
    if rows is None:
        warnings = ("ranks based on fewer than 5 seeds, which may change with more seeds: ae (3)",)
        changes = {"tau": 0.87, "critical": CRITICAL, "warnings": warnings} | changes
    return Table(key, primary, 30, 12, full_rows() if rows is None else rows, not_comparable, **changes)


def full_rows():
    """Two controls, four ranked methods, one method with a failed seed."""
    reported = Reported("ae", "mslub", "t2", "Baur 2021", "a table of a paper", 0.057, 0.008, 0.097, 0.01)
    ranked = sorted(METHODS, key=METHODS.get, reverse=True)
    placed = {name: row(name, METHODS[name], rank) for rank, name in enumerate(ranked, 1)}
    placed["ae"] = row("ae", 0.31, 3, reported=(reported,), done=3, started=3)
    placed["patch2loc:conv"] = row("patch2loc:conv", 0.42, 1, to_best=None)
    failed = row("gan", 0.2, None, rank_statistics=None, to_best=None, to_baseline=None, done=4, started=5,
                 failures=("gan seed 4: failed: loss is NaN",))  # fmt: skip
    return [
        control("random", 0.02),
        control("atlas-z", 0.2, baseline=True, deterministic=True, cells=cells(0.2)),
        *placed.values(),
        failed,
    ]


def bare_rows():
    """A row with one pooled value of one seed, and a row without any value."""
    value = {("all", "ap.pooled"): Cell(0.3, None, 1, 30, 0)}
    undefined = {("all", "ap.pooled"): Cell(None, None, 0, 0, 30, "no_positive")}
    fields = {"done": 1, "started": 1, "failures": (), "marks": ()}
    return [
        Row(rank, label, label, False, False, cells=found, **fields)
        for rank, label, found in ((1, "ae", value), (None, "vae", undefined))
    ]
