"""Diffusion methods: one noise field for a batch or volume (published) compared with one field for each slice.

    uad-bench run ddpm ddpm:slice-noise pddpm pddpm:slice-noise cddpm cddpm:slice-noise --seeds 3 --out RUNS
    python -m benchmarks.noise_fields RUNS...

Reads the stored maps of finished runs. AP over the brain voxels of each test subject with lesions: of the raw map,
after the protocol's median of 5 x 5 pixels in the slice, and after the papers' median of 5 x 5 x 5 voxels. Prints
Markdown: the mean over subjects, then mean and sample standard deviation over seeds.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score

from uad_bench.cohort.discovery import Sources, default_cache
from uad_bench.evaluate.postprocess import Median, Step
from uad_bench.leaderboard.collect import summarise
from uad_bench.results.find_runs import find_runs
from uad_bench.results.run_cases import available_members, rows_of_tests
from uad_bench.results.run_directory import RunDir
from uad_bench.results.scored_maps import ScoredMaps
from uad_bench.types import Scored

METHODS = ("ddpm", "pddpm", "cddpm")
FIELDS = {"": "batch or volume (published)", ":slice-noise": "slice"}
#: Post-processing of a map.
MAPS: dict[str, tuple[Step, ...]] = {
    "raw": (),
    "median 5 × 5": (Median(size=5, axes=2),),
    "median 5 × 5 × 5": (Median(size=5, axes=3),),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    given = parser.parse_args()
    wanted = [name + variant for name in METHODS for variant in FIELDS]
    runs = complete(find_runs(given.runs), wanted)
    print(
        f"| method | noise field for each | seeds | {' | '.join(MAPS)} |\n|---|---|---|{'---|' * len(MAPS)}"
    )
    for name in wanted:
        print(row(name, [mean_ap(run) for run in runs if run.spec().method == name]), flush=True)


def complete(runs: Sequence[RunDir], wanted: Sequence[str]) -> list[RunDir]:
    """The complete runs of these methods; those that are left out are named.

    Ends the program where a method has no run, two runs of one seed, or runs that differ in more than the seed.
    """
    found = []
    for run in runs:
        if run.spec().method in wanted and summarise(run).state == "complete":
            found.append(run)
        else:
            print(f"left out: {run.path}", file=sys.stderr)
    for name in wanted:
        specs = [run.spec() for run in found if run.spec().method == name]
        same = {
            (one.version, one.protocol.fingerprint, str(one.parameters), str(one.datasets)) for one in specs
        }
        if len(same) != 1 or len({one.seed for one in specs}) < len(specs):
            sys.exit(
                f"{name}: {len(specs)} complete runs of {len(same)} configurations; give one run for each seed"
            )
    return found


def mean_ap(run: RunDir) -> dict[str, float]:
    """AP by post-processing, mean over the subjects with lesions of the protocol's own test set."""
    spec = run.spec()
    rows = rows_of_tests(run, (), spec.protocol.train)
    members, _ = available_members(run, rows, Sources(default_cache()))
    members = [member for member in members if not member.case.healthy]
    return {
        name: float(np.mean([ap(view) for view in ScoredMaps(run, members, spec, steps)]))
        for name, steps in MAPS.items()
    }


def ap(view: Scored) -> float:
    """AP over the brain voxels of one map."""
    brain = view.brain_mask
    return float(average_precision_score(view.lesion_mask[brain], view.map[brain]))


def row(name: str, found: Sequence[Mapping[str, float]]) -> str:
    """A row of the table."""
    cells = [spread([one[name] for one in found]) for name in MAPS]
    fields = FIELDS[":slice-noise" if ":" in name else ""]
    return f"| `{name}` | {fields} | {len(found)} | {' | '.join(cells)} |"


def spread(values: Sequence[float]) -> str:
    """Mean and sample standard deviation over seeds."""
    deviation = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{deviation}" if values else ""


if __name__ == "__main__":
    main()
