"""The pictures of a run: a sheet of cases with precision-recall curves, Dice over the threshold, training curves."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uad_bench import plugins
from uad_bench.cohort.cohort import Member
from uad_bench.config import RunSpec
from uad_bench.errors import IntegrityError
from uad_bench.results import run_directory
from uad_bench.results.scored_maps import ScoredMaps
from uad_bench.types import Scored

if TYPE_CHECKING:
    from uad_bench.evaluate.curves.curve import Curve
    from uad_bench.evaluate.thresholds import Threshold
    from uad_bench.figures.slices import Panel
    from uad_bench.figures.training_curves import Series, Training

MOST_CASES = 6
TRAINING = "training.png"


def draw(
    directory: run_directory.RunDir,
    spec: RunSpec,
    test: ScoredMaps,
    dataset: str,
    name: str,
    thresholds: "Mapping[str, Threshold]",
) -> None:
    """Write the pictures of one test set: the sheet (a case of every lesion kind, outlined, and the pooled PR curves),
    and dice.png, dice.svg: Dice over every threshold with a mark for each rule."""
    from uad_bench.figures.case_sheet import draw_sheet
    from uad_bench.figures.dice_curve import draw_dice

    points = {rule: one.value for rule, one in thresholds.items() if one.value is not None}
    curves = pooled(test, list(points.values()))
    trained = plugins.label(spec.protocol.train)
    title = f"{spec.method} seed {spec.seed}, {spec.protocol.name}, {trained} -> {dataset}"
    panels = [_panel(test.members[index], test[index]) for index in typical(test.members)]
    healthy = next((value for rule, value in points.items() if rule.startswith("healthy")), None)
    draw_sheet(directory.path / name, panels, curves, title, healthy)
    draw_dice(directory.path / name.replace("sheet", "dice", 1), curves["all"], points, title)


def pooled(test: ScoredMaps, probes: Sequence[float]) -> "dict[str, Curve]":
    """The pooled curve of the lesion cases, and of each lesion kind; no more than the positives is held of any case."""
    from uad_bench.evaluate.curves.two_pass import pools, positives_of

    members: dict[str, dict[str, Curve]] = {"all": {}}
    for scored in test:
        if not scored.healthy:
            positives = positives_of(scored)
            for group in dict.fromkeys(["all", scored.lesion_kind or "all"]):
                members.setdefault(group, {})[scored.case_id] = positives
    kinds = {name: members[name] for name in sorted(members, key=lambda name: (name != "all", name))}
    return dict(pools(kinds, test, probes))


def typical(members: Sequence[Member]) -> list[int]:
    """Up to six: of every lesion kind the case of median lesion size, more of them where there are few kinds."""
    kinds: dict[str, list[int]] = {}
    for index, member in enumerate(members):
        kinds.setdefault("healthy" if member.case.healthy else member.case.lesion_kind, []).append(index)
    sizes = [int(member.prepared.truth().lesion_mask.sum()) for member in members]
    for name, group in kinds.items():
        kinds[name] = _from_the_middle(sorted(group, key=lambda index: sizes[index]))
    rounds = zip_longest(*(kinds[name] for name in sorted(kinds, key=lambda k: (k == "healthy", k))))
    return [index for one in rounds for index in one if index is not None][:MOST_CASES]


def _from_the_middle(group: list[int]) -> list[int]:
    """A sorted list, its median first, then outwards."""
    order = sorted(range(len(group)), key=lambda i: abs(i - len(group) // 2))
    return [group[i] for i in order]


def _panel(member: Member, view: Scored) -> "Panel":
    from uad_bench.figures.slices import Panel

    image = member.prepared.scan().image[0]
    return Panel(
        member.case.case_id, kind_of(member), image, view.map, view.brain_mask, view.lesion_mask, view.spacing
    )


def kind_of(member: Member) -> str:
    """A word for the case: "healthy", its lesion kind, or "lesion"."""
    return "healthy" if member.case.healthy else (member.case.lesion_kind or "lesion")


def draw_training(runs: Sequence[run_directory.RunDir], path: Path) -> bool:
    """Write the training curves of some runs, those of one method over each other; False where none trained."""
    from uad_bench.figures import training_curves

    found = [training for run in runs if (training := _training(run)).series]
    if found:
        one = f"{found[0].method} {found[0].label}, {runs[0].spec().protocol.name}: training"
        training_curves.draw_training(path, found, one if len(found) == 1 else "training")
    return bool(found)


def _training(run: run_directory.RunDir) -> "Training":
    """What train.csv holds of a run; nothing where it did not train. Raises IntegrityError where it is damaged."""
    from uad_bench.figures.training_curves import Training

    spec = run.spec()
    fold = "" if spec.fold is None else f", fold {spec.fold}"
    return Training(spec.method, f"seed {spec.seed}{fold}", _logged(run))


def _logged(run: run_directory.RunDir) -> "dict[tuple[str, str], Series]":
    from uad_bench.figures.training_curves import Series

    found: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    try:
        for row in run.table("train.csv") if (run.path / "train.csv").is_file() else ():
            steps, values = found.setdefault((row["phase"], row["name"]), ([], []))
            steps.append(float(row["step"]))
            values.append(float(row["value"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            "no readable train.csv", where=run.name, hint="make the run again with --fresh"
        ) from error
    return {key: Series(np.array(steps), np.array(values)) for key, (steps, values) in found.items()}
