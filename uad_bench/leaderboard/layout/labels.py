"""What a row is called: the method, and those settings that are not the same in all of its rows."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from uad_bench.leaderboard.run_summary import RunSummary


def labelled(runs: Iterable[RunSummary]) -> dict[str, list[RunSummary]]:
    """Runs of one method with one set of parameters, by label: "name", or "name [steps=50]" among several."""
    methods: dict[str, dict[str, list[RunSummary]]] = {}
    for run in runs:
        settings = json.dumps(run.settings, sort_keys=True)
        methods.setdefault(run.method, {}).setdefault(settings, []).append(run)
    return {
        label: members
        for method, sets in sorted(methods.items())
        for label, members in zip(_labels(method, list(sets)), sets.values(), strict=True)
    }


def _labels(method: str, settings: Sequence[str]) -> list[str]:
    """A label for each set of settings: the method and those settings that are not the same in all."""
    if len(settings) == 1:
        return [method]
    values = [json.loads(text) for text in settings]
    names = sorted({name for value in values for name in value})
    telling = [name for name in names if len({_json(value.get(name)) for value in values}) > 1]
    return [f"{method} [{', '.join(f'{n}={_plain(v.get(n))}' for n in telling)}]" for v in values]


def _json(value: Any) -> str:  # any JSON value
    return json.dumps(value, sort_keys=True)


def _plain(value: Any) -> str:  # any JSON value
    return value if isinstance(value, str) else _json(value)
