"""Size of stored maps with 32 and 16 bits, and the effect of 16 bits on average precision.

    python -m benchmarks.maps RUNS

For every finished run in a folder: size of its maps on disk with 32 and with 16 bits, and average precision per case
of the raw maps: the largest difference between 16 and 32 bits over the test cases, and the widest interval that
follows from the 16-bit maps alone. Rounding never reverses the order of two scores, it only makes scores equal. The
interval allows every order of equal scores (`evaluate.curves.score_histogram`), so it contains the 32-bit value; the
last column counts the cases where it does not.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from uad_bench.cli.options import sources
from uad_bench.cohort.gather import gather
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.score_histogram import Sketch
from uad_bench.results.find_runs import find_runs
from uad_bench.results.run_directory import RunDir
from uad_bench.results.scored_maps import ScoredMaps
from uad_bench.results.serialise import narrowed, widened
from uad_bench.types import Scored


class Effect(NamedTuple):
    """AP of a case with 32 bits, with 16 bits, and the interval that follows from 16 bits."""

    exact: float
    rounded: float
    low: float
    high: float


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--data", action="append", default=[], help="NAME=FOLDER, as for uad-bench")
    given = parser.parse_args()
    print("| run | MiB, 32 bits | MiB, 16 bits | largest AP difference | widest interval | outside |")
    print("|---|---|---|---|---|---|")
    for run in find_runs(given.runs):
        if run.state == "complete":
            print(row(run, given.data), flush=True)


def row(run: RunDir, data: list[str]) -> str:
    """One line of the table."""
    spec = run.spec()
    cohort = gather(spec, sources(data, 1))
    members = cohort.of("test")
    views = [
        view for view in ScoredMaps(run, members, spec, ()) if not view.healthy and view.lesion_mask.any()
    ]
    effects = list(map(effect, views))
    worst = max(abs(one.rounded - one.exact) for one in effects)
    widest = max(one.high - one.low for one in effects)
    outside = sum(not one.low <= one.exact <= one.high for one in effects)
    sizes = [run.map_path(m.case.dataset, m.case.case_id).stat().st_size for m in members]
    small = sum(bytes_of(run, views))
    scale = sum(sizes) / len(sizes) * len(views)
    cells = (
        run.name,
        f"{scale / 2**20:.1f}",
        f"{small / 2**20:.1f}",
        f"{worst:.1e}",
        f"{widest:.1e}",
        str(outside),
    )
    return f"| {' | '.join(cells)} |"


def bytes_of(run: RunDir, views: list[Scored]) -> Iterator[int]:
    """The size of each map with 16 bits, written temporarily into the run."""
    for view in views:
        run.write_map(".bits", "one", view.map, view.brain_mask, bits=16)
        path = run.map_path(".bits", "one")
        yield path.stat().st_size
        path.unlink()
    run.map_path(".bits", "one").parent.rmdir()


def effect(view: Scored) -> Effect:
    """AP of one case with 32 and with 16 bits."""
    scores, lesion = view.map[view.brain_mask], view.lesion_mask[view.brain_mask]
    missed = int(np.count_nonzero(view.lesion_mask & ~view.brain_mask)) + view.lost
    kept = widened(*narrowed(scores)).astype(np.float32)
    exact, rounded = (Curve.of(values, lesion, missed).ap() for values in (scores, kept))
    bounds = Sketch.of(np.sort(kept[lesion]), np.sort(kept[~lesion]), missed).ap()
    assert exact is not None
    assert rounded is not None
    assert bounds is not None
    return Effect(exact, rounded, bounds.low, bounds.high)


if __name__ == "__main__":
    main()
