"""Why a method ranks a kind of lesion below chance: its maps as they are, and with what healthy scans get taken off.

    python -m benchmarks.below_chance RUNS...

Of each method the run of the lowest seed, its stored maps of the protocol's own test set, post-processed. A residual is
large where anatomy is bright or has edges, in healthy scans too. So every voxel's mean score over the healthy test
scans is taken off (no label is looked at): a kind that rises above chance then was drowned by anatomy. One that stays
below it is quieter than healthy tissue in its place: scored by how far a map is from the mean, either way, it rises.
Prints Markdown: mean AUROC per case by lesion kind, of the map, of the map less the mean, of the distance from it; and
how far a healthy scan's map follows from where its voxels are (R² of the mean map of the others).
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs
from sklearn.metrics import roc_auc_score

from uad_bench.cohort.discovery import Sources
from uad_bench.figures.compare_methods import Pick, picked
from uad_bench.results.run_cases import asked, members
from uad_bench.results.run_directory import find_runs
from uad_bench.results.scored_maps import Views
from uad_bench.types import Scored

Volume = npt.NDArray[np.float32]


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    given = parser.parse_args()
    rows = [(pick.label, *studied(pick)) for pick in picked(find_runs(given.runs))]
    kinds = sorted({kind for _, found, _ in rows for kind in found})
    print("| method | " + " | ".join(kinds) + " | R² |\n|" + "---|" * (len(kinds) + 2))
    for label, found, share in rows:
        cells = [", ".join(f"{value:.2f}" for value in found[kind]) for kind in kinds]
        print(f"| {label} | " + " | ".join(cells) + f" | {share:.2f} |", flush=True)


def studied(pick: Pick) -> tuple[dict[str, Volume], float]:
    """Of one run: by lesion kind the mean of `aurocs`, and R² in healthy scans."""
    spec = pick.run.spec()
    dataset = spec.protocol.train
    cache = Sources(Path(platformdirs.user_cache_dir("uad-bench")))
    some = members(pick.run, asked(pick.run, (), dataset), cache, lambda _: None)
    views = list(Views(pick.run, some, spec))
    healthy = [view for view in views if view.healthy]
    usual = mean_map(healthy)
    found: dict[str, list[Volume]] = {}
    for view in views:
        if not view.healthy and view.lesion_mask[view.brain_mask].any():
            found.setdefault(str(view.lesion_kind), []).append(aurocs(view, usual))
    means = {kind: np.mean(some, axis=0) for kind, some in found.items()}
    return means, float(np.mean(list(shares(healthy))))


def mean_map(views: Sequence[Scored]) -> Volume:
    """The mean over those scans that have brain in a voxel; the mean of all where none has."""
    total = np.sum([np.where(v.brain_mask, v.map, 0) for v in views], axis=0)
    count = np.sum([v.brain_mask for v in views], axis=0)
    overall = total.sum() / count.sum()
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), overall), np.float32)


def aurocs(view: Scored, usual: Volume) -> Volume:
    """Of the map, of the map less `usual`, and of how far it is from `usual`: (3,)."""
    brain = view.brain_mask
    labels, off = view.lesion_mask[brain], (view.map - usual)[brain]
    return np.array(
        [roc_auc_score(labels, scores) for scores in (view.map[brain], off, np.abs(off))], np.float32
    )


def shares(healthy: Sequence[Scored]) -> Iterator[float]:
    """Of each scan, the share of its map's variance that the mean map of the others explains."""
    for index, view in enumerate(healthy):
        others = mean_map([v for i, v in enumerate(healthy) if i != index])
        values, guess = view.map[view.brain_mask], others[view.brain_mask]
        yield float(np.corrcoef(values, guess)[0, 1] ** 2) if values.std() > 0 < guess.std() else 0.0


if __name__ == "__main__":
    main()
