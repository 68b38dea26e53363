"""Steps that learn from training scans: fitted once, on training subjects only, with the ids of these scans."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uad_bench.config import digest
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.prepare.chain import parse_steps, step_class
from uad_bench.support.atomic_files import write_json

Steps = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class FittedStep:
    """The parameters of a fitted step, as fitted.json of a run stores them.

    saw: `dataset/case_id` of every training scan that the step was fitted to.
    """

    step: str
    parameters: Mapping[str, Any]
    saw: tuple[str, ...]


def needs_fit(steps: Steps) -> bool:
    """Whether some step must be fitted to training scans first."""
    return any(step.needs_fit for step in parse_steps(steps))


def steps_before_fit(steps: Steps) -> list[dict[str, Any]]:
    """The steps before the first one that must be fitted; all of them where none must."""
    parsed = parse_steps(steps)
    first = next((i for i, step in enumerate(parsed) if step.needs_fit), len(parsed))
    return [dict(step) for step in steps[:first]]


def fit_steps(
    steps: Steps, train: Callable[[Steps], Sequence[PreparedCase]], cache_dir: Path
) -> tuple[list[dict[str, Any]], list[FittedStep]]:
    """The steps with all fitted parameters, and the steps that were fitted.

    `train` prepares the training cases by the steps that it is given. A fit of the same steps to the same scans is
    taken from the cache, and no voxel is read.
    """
    resolved, fits = [dict(step) for step in steps], []
    for position, step in enumerate(parse_steps(steps)):
        if not step.needs_fit:
            continue
        cases = sorted(train(resolved[:position]), key=lambda one: (one.case.dataset, one.case.case_id))
        saw = tuple(f"{one.case.dataset}/{one.case.case_id}" for one in cases)
        contents = [[name, one.content] for name, one in zip(saw, cases, strict=True)]
        key = digest([resolved[: position + 1], contents])
        path = cache_dir / "fitted" / f"{resolved[position]['step']}-{key}.json"
        values = _stored(path)
        if values is None:
            values = step.fitted(one.scan() for one in cases).model_dump(mode="json")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, values)
        resolved[position] = values
        fits.append(FittedStep(str(values["step"]), values, saw))
    return resolved, fits


def _stored(path: Path) -> dict[str, Any] | None:
    """The parameters of an earlier fit, None where the file is missing or invalid."""
    try:
        values: dict[str, Any] = json.loads(path.read_text())
        step = step_class(str(values["step"])).model_validate(values)
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
    return values if step.is_fitted else None
