"""Lesion types that a method ranks below chance: AUROC of the map, and after subtracting the mean healthy map.

    python -m benchmarks.below_chance RUNS...

For each method, the run with the lowest seed is used, with its stored maps of the protocol's own test set after
post-processing. A residual is large where anatomy is bright or has edges, in healthy scans too. The mean score of
each voxel over the healthy test scans is therefore subtracted (no label is used). If a lesion type is then above
chance, anatomy had masked it. If it stays below chance, its scores are lower than those of healthy tissue at the same
place; the absolute deviation from the mean map is then above chance. Prints a Markdown table: mean AUROC per case by
lesion type, for the map, for the map minus the mean map, and for the absolute deviation from it; and the share of the
variance of a healthy map that the mean map of the other healthy scans explains (R²).
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs
from sklearn.metrics import roc_auc_score

from uad_bench.cohort.discovery import Sources
from uad_bench.figures.compare_methods import SelectedRun, select_runs
from uad_bench.results.find_runs import find_runs
from uad_bench.results.run_cases import available_members, rows_of_tests
from uad_bench.results.scored_maps import ScoredMaps
from uad_bench.types import Scored

Volume = npt.NDArray[np.float32]


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    given = parser.parse_args()
    rows = [(pick.label, *measure(pick)) for pick in select_runs(find_runs(given.runs))]
    kinds = sorted({kind for _, found, _ in rows for kind in found})
    print("| method | " + " | ".join(kinds) + " | R² |\n|" + "---|" * (len(kinds) + 2))
    for label, found, share in rows:
        cells = [", ".join(f"{value:.2f}" for value in found[kind]) for kind in kinds]
        print(f"| {label} | " + " | ".join(cells) + f" | {share:.2f} |", flush=True)


def measure(pick: SelectedRun) -> tuple[dict[str, Volume], float]:
    """The mean of `aurocs` by lesion type, and the mean R² in healthy scans, of one run."""
    spec = pick.run.spec()
    dataset = spec.protocol.train
    cache = Sources(Path(platformdirs.user_cache_dir("uad-bench")))
    some = available_members(pick.run, rows_of_tests(pick.run, (), dataset), cache)
    views = list(ScoredMaps(pick.run, some, spec))
    healthy = [view for view in views if view.healthy]
    mean = mean_map(healthy)
    found: dict[str, list[Volume]] = {}
    for view in views:
        if not view.healthy and view.lesion_mask[view.brain_mask].any():
            found.setdefault(str(view.lesion_kind), []).append(aurocs(view, mean))
    means = {kind: np.mean(some, axis=0) for kind, some in found.items()}
    return means, float(np.mean(list(explained_variances(healthy))))


def mean_map(views: Sequence[Scored]) -> Volume:
    """The mean over the scans that have brain in a voxel, (X, Y, Z); the overall mean where none has."""
    total = np.sum([np.where(v.brain_mask, v.map, 0) for v in views], axis=0)
    count = np.sum([v.brain_mask for v in views], axis=0)
    overall = total.sum() / count.sum()
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), overall), np.float32)


def aurocs(view: Scored, mean: Volume) -> Volume:
    """AUROC of the map, of the map minus `mean`, and of the absolute difference, (3,)."""
    brain = view.brain_mask
    labels, off = view.lesion_mask[brain], (view.map - mean)[brain]
    return np.array(
        [roc_auc_score(labels, scores) for scores in (view.map[brain], off, np.abs(off))], np.float32
    )


def explained_variances(healthy: Sequence[Scored]) -> Iterator[float]:
    """The share of the variance of each scan's map that the mean map of the other scans explains."""
    for index, view in enumerate(healthy):
        others = mean_map([v for i, v in enumerate(healthy) if i != index])
        values, guess = view.map[view.brain_mask], others[view.brain_mask]
        yield float(np.corrcoef(values, guess)[0, 1] ** 2) if values.std() > 0 < guess.std() else 0.0


if __name__ == "__main__":
    main()
