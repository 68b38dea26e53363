"""What the page gets of one case: the image with the lesion, and the map of each method with its thresholds."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from uad_bench.cohort.cohort import Member
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.figures.run_figures import case_label
from uad_bench.figures.slices import robust_range
from uad_bench.leaderboard.render.escape import printable
from uad_bench.leaderboard.run_summary import ORACLE
from uad_bench.types import Scored
from uad_bench.viewer.levels import encode, level_edges, level_of, window_8_bit
from uad_bench.viewer.script_files import packed_volume
from uad_bench.viewer.selection import ViewedRun

#: The threshold with the highest Dice of a case has no line in thresholds.csv.
BEST_OF_CASE = "oracle_case"


def case_facts(member: Member) -> dict[str, Any]:
    """The image with 8 bits, the lesion mask and what the page says of a case.

    window: image values that are black and white; lost: lesion voxels that the preparation cut off.
    """
    scan, truth = member.prepared.scan(), member.prepared.truth()
    image, lesion = np.asarray(scan.image[0]), np.asarray(truth.lesion_mask)
    window = robust_range([image[scan.brain_mask]])
    return {
        "image": packed_volume(window_8_bit(image, window), scan.affine),
        "window": window,
        "lesion": packed_volume(lesion.astype(np.uint8), scan.affine),
        "lost": truth.lost,
        "kind": printable(case_label(member)),
        "voxel_ml": float(np.prod(scan.spacing)) / 1000,
    }


def map_facts(viewed: ViewedRun, member: Member, scored: Scored) -> dict[str, Any]:
    """The post-processed map with 8 bits, its thresholds, and Dice of the case at each rule as the tables have it."""
    scores = scored.map[scored.brain_mask]
    best = Curve.of_case(scored).best_dice() if not scored.healthy else None
    rules = thresholds(viewed, member.case.dataset) | ({BEST_OF_CASE: best[1]} if best else {})
    edges = level_edges(scores, rules.values()) if scores.size else np.zeros(1)
    values = viewed.summary.results[member.case.dataset].cases
    return {
        "levels": packed_volume(encode(scored.map, scored.brain_mask, edges), member.prepared.scan().affine),
        "edges": [float(f"{edge:.7g}") for edge in edges],
        "window": robust_range([scores]),
        "rules": [
            {
                "name": printable(rule),
                "value": float(f"{value:.7g}"),
                "level": level_of(value, edges),
                "oracle": f"@{rule}".startswith(ORACLE),
                "dice": values.get(f"dice@{rule}", {}).get(member.case.case_id),
            }
            for rule, value in rules.items()
            if np.isfinite(value)
        ],
    }


def thresholds(viewed: ViewedRun, dataset: str) -> dict[str, float]:
    """The thresholds of a run on a test set by rule, without those that have no value."""
    rows = viewed.run.table("thresholds.csv")
    return {row["rule"]: float(row["value"]) for row in rows if row["dataset"] == dataset and row["value"]}


def colours(name: str = "inferno") -> Sequence[int]:
    """The 256 colours of a colour map, as red, green, blue, red, ..., 0 to 255."""
    from matplotlib import colormaps

    found = colormaps[name](np.arange(256), bytes=True)[:, :3]
    return [int(value) for value in found.ravel()]
