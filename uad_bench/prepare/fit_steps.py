"""Steps that learn from training scans: fitted once, on training subjects only, with the list of who they saw."""

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
class Fitted:
    """What a step learnt. saw: `dataset/case_id` of every training scan that it was shown."""

    step: str
    parameters: Mapping[str, Any]
    saw: tuple[str, ...]


def wants_fit(steps: Steps) -> bool:
    """Whether some step must learn from training scans first."""
    return any(step.wants_fit for step in parse_steps(steps))


def before_fit(steps: Steps) -> list[dict[str, Any]]:
    """The steps that come before the first one that must learn; all of them where none does."""
    parsed = parse_steps(steps)
    first = next((i for i, step in enumerate(parsed) if step.wants_fit), len(parsed))
    return [dict(step) for step in steps[:first]]


def fit_steps(
    steps: Steps, train: Callable[[Steps], Sequence[PreparedCase]], cache_dir: Path
) -> tuple[list[dict[str, Any]], list[Fitted]]:
    """The steps with everything learnt in place, and what was learnt.

    `train` prepares the training cases by the steps that it is given. What was learnt from the same scans by
    the same steps before is found in the cache, and no voxel is touched.
    """
    resolved, learnt = [dict(step) for step in steps], []
    for place, step in enumerate(parse_steps(steps)):
        if not step.wants_fit:
            continue
        shown = sorted(train(resolved[:place]), key=lambda one: (one.case.dataset, one.case.case_id))
        saw = tuple(f"{one.case.dataset}/{one.case.case_id}" for one in shown)
        key = digest(
            [resolved[: place + 1], [[name, one.content] for name, one in zip(saw, shown, strict=True)]]
        )
        path = cache_dir / "fitted" / f"{resolved[place]['step']}-{key}.json"
        values = _known(path)
        if values is None:
            values = step.fitted(one.scan() for one in shown).model_dump(mode="json")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, values)
        resolved[place] = values
        learnt.append(Fitted(str(values["step"]), values, saw))
    return resolved, learnt


def _known(path: Path) -> dict[str, Any] | None:
    """The parameters of a step fitted before, None where the file is not there or not what it should be."""
    try:
        values: dict[str, Any] = json.loads(path.read_text())
        step = step_class(str(values["step"])).model_validate(values)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return values if step.was_fitted else None
