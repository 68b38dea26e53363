"""The figures in a run directory: sheet.png, dice.png and dice.svg for each test set, training.png."""

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uad_bench import plugins
from uad_bench.cohort.cohort import Member
from uad_bench.config import RunSpec
from uad_bench.results import run_directory
from uad_bench.results.scored_maps import ScoredMaps
from uad_bench.types import Scored

if TYPE_CHECKING:
    from uad_bench.evaluate.engine import Evaluation
    from uad_bench.evaluate.rows import SetRow
    from uad_bench.figures.dice_curve import TabulatedDice
    from uad_bench.figures.slices import CaseImages

MAX_CASES = 6
TRAINING = "training.png"


def draw_run_figures(
    directory: run_directory.RunDir,
    spec: RunSpec,
    test: ScoredMaps,
    dataset: str,
    name: str,
    evaluation: "Evaluation",
) -> None:
    """Write the figures of one test set: the case sheet `name` and the Dice curve (dice.png, dice.svg).

    The sheet shows a case of every lesion kind with outlines and the pooled precision-recall curves, the second figure
    Dice over the threshold with a mark for each rule, and its values as tables have them.
    """
    from uad_bench.evaluate.curves.curve import Curve
    from uad_bench.figures.case_sheet import draw_case_sheet
    from uad_bench.figures.dice_curve import draw_dice

    points = {rule: one.value for rule, one in evaluation.thresholds.items() if one.value is not None}
    curves = evaluation.curves
    trained = plugins.label(spec.protocol.train)
    title = f"{spec.method} seed {spec.seed}, {spec.protocol.name}, {trained} -> {dataset}"
    cases = [_case_images(test.members[index], test[index]) for index in typical_cases(test.members)]
    healthy = next(((rule, value) for rule, value in points.items() if rule.startswith("healthy")), None)
    draw_case_sheet(directory.path / name, cases, curves, title, healthy)
    path = directory.path / name.replace("sheet", "dice", 1)
    draw_dice(path, curves.get("all") or Curve.pool([]), points, title, tabulated_dice(evaluation.set_rows))


def tabulated_dice(rows: "Sequence[SetRow]") -> "dict[str, TabulatedDice]":
    """Dice of all lesion cases at each threshold rule, pooled and as the mean over cases, as metrics.csv has them."""
    from uad_bench.figures.dice_curve import TabulatedDice

    values = {row.metric: row.value for row in rows if row.group == "all"}
    rules = [metric.partition("@")[2] for metric in values if metric.startswith("dice@")]
    return {rule: TabulatedDice(values.get(f"dice.pooled@{rule}"), values[f"dice@{rule}"]) for rule in rules}


def typical_cases(members: Sequence[Member]) -> list[int]:
    """Indices of up to six cases: of every lesion kind the one with median lesion volume, healthy cases last.

    With few kinds, further cases of each kind follow, by their distance from the median.
    """
    kinds: dict[str, list[int]] = {}
    for index, member in enumerate(members):
        kinds.setdefault("healthy" if member.case.healthy else member.case.lesion_kind, []).append(index)
    sizes = [int(np.count_nonzero(member.prepared.truth().lesion_mask)) for member in members]
    for name, group in kinds.items():
        kinds[name] = _from_median(sorted(group, key=lambda index: sizes[index]))
    rounds = zip_longest(*(kinds[name] for name in sorted(kinds, key=lambda k: (k == "healthy", k))))
    return [index for one in rounds for index in one if index is not None][:MAX_CASES]


def _from_median(group: list[int]) -> list[int]:
    """A sorted list in the order of the distance from its median."""
    order = sorted(range(len(group)), key=lambda i: abs(i - len(group) // 2))
    return [group[i] for i in order]


def _case_images(member: Member, view: Scored) -> "CaseImages":
    from uad_bench.figures.slices import CaseImages

    image = member.prepared.scan().image[0]
    return CaseImages(
        member.case.case_id,
        case_label(member),
        image,
        view.map,
        view.brain_mask,
        view.lesion_mask,
        view.spacing,
    )


def case_label(member: Member) -> str:
    """ "healthy", the lesion kind of the case, or "lesion" where the kind is unknown."""
    return "healthy" if member.case.healthy else (member.case.lesion_kind or "lesion")


def draw_training(runs: Sequence[run_directory.RunDir], path: Path) -> bool:
    """Write the training curves of some runs, the seeds of a method in one plot; False where no run has logged any."""
    from uad_bench.figures import training_curves
    from uad_bench.results.training_log import training_log

    found = [training for run in runs if (training := training_log(run)).series]
    if found:
        title = f"{found[0].method} {found[0].label}, {runs[0].spec().protocol.name}: training"
        training_curves.draw_training_curves(path, found, title if len(found) == 1 else "training")
    return bool(found)
