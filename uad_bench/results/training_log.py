"""What a run logged while it was trained: loss, validation and other quantities of every phase."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from uad_bench.errors import IntegrityError
from uad_bench.results.run_directory import RunDir

Numbers = npt.NDArray[np.float64]
VALIDATION, LOSS = "validation", "loss"
SMOOTHING = 50  # the running mean is over 1 / SMOOTHING of the steps


@dataclass(frozen=True, eq=False)
class LoggedSeries:
    """A logged quantity: steps (n,) and values (n,), NaN where it was not finite."""

    steps: Numbers
    values: Numbers


@dataclass(frozen=True, eq=False)
class TrainingLog:
    """The log of one run. method: runs of one method share a plot; label: name of the run in it ("seed 0").

    series: by training phase and name of the quantity, in the order of training.
    """

    method: str
    label: str
    series: Mapping[tuple[str, str], LoggedSeries]


def training_log(run: RunDir) -> TrainingLog:
    """The content of train.csv, empty for a method without training. Raises IntegrityError for a damaged file."""
    spec = run.spec()
    fold = "" if spec.fold is None else f", fold {spec.fold}"
    return TrainingLog(spec.method, f"seed {spec.seed}{fold}", _logged(run))


def _logged(run: RunDir) -> dict[tuple[str, str], LoggedSeries]:
    found: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    try:
        for row in run.table("train.csv") if (run.path / "train.csv").is_file() else ():
            steps, values = found.setdefault((row["phase"], row["name"]), ([], []))
            steps.append(float(row["step"]))
            values.append(float(row["value"]))
    except (OSError, ValueError, RecursionError, KeyError, TypeError, csv.Error) as error:
        raise IntegrityError("train.csv cannot be read", where=run.name, hint=run.remedy) from error
    return {key: LoggedSeries(np.array(steps), np.array(values)) for key, (steps, values) in found.items()}


def unique(names: Iterable[str]) -> list[str]:
    """The names without repetitions, in their order."""
    return list(dict.fromkeys(names))


def phases(runs: Sequence[TrainingLog], method: str) -> list[str]:
    """The phases of a method, in the order of training."""
    return unique(phase for run in runs if run.method == method for phase, _ in run.series)


def plotted_quantities(runs: Sequence[TrainingLog], method: str, phase: str) -> list[str]:
    """The quantities of a phase that have a plot, the loss first; validation is drawn in the plot of the loss."""
    found = unique(name for run in runs if run.method == method for own, name in run.series if own == phase)
    if LOSS in found and VALIDATION in found:
        found.remove(VALIDATION)
    return sorted(found, key=lambda name: name != LOSS)


def smoothed(values: Numbers) -> Numbers:
    """Running mean over 1/50 of the values; values that are not finite are excluded.

    Each mean is computed from its own window: differences of one cumulative sum would lose all digits after a spike.
    """
    window = np.ones(2 * (len(values) // SMOOTHING // 2) + 1)
    finite = np.isfinite(values)
    total = np.convolve(np.where(finite, values, 0.0), window, "same")
    count = np.convolve(finite, window, "same")
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
