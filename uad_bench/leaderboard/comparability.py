"""Which runs may stand in one ranking, and in words why others may not."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from uad_bench.leaderboard.run_summary import LEAK, RunSummary
from uad_bench.leaderboard.table import Key

WORDS = {
    "protocol": "protocol",
    "test": "test dataset",
    "train": "training dataset",
    "fingerprint": "protocol fingerprint",
    "options": "dataset options",
    "fit_ids": "training, validation or tune cases",
    "test_ids": "test cases",
}
SHOWN = 5
#: Runs that agree in these are the same run made twice.
TWINS = ("method", "settings", "seed", "fold", "protocol", "fingerprint")


def key_of(run: RunSummary, test: str) -> Key:
    """What a run must share with others to be ranked with them on the dataset `test`."""
    tested = run.tested[test]
    return Key(
        run.protocol, test, run.train, run.fingerprint, tested.options, tested.fit_ids, tested.test_ids
    )


def why(a: RunSummary, b: RunSummary) -> str:
    """Why two runs are not comparable, in words; "" where they share a ranking."""
    shared = sorted(set(a.tested) & set(b.tested))
    if not shared:
        return f"test dataset differs: {', '.join(sorted(a.tested))} against {', '.join(sorted(b.tested))}"
    reasons = [why_on(a, b, test) for test in shared]
    return "" if "" in reasons else reasons[0]


def verdict(a: RunSummary, b: RunSummary) -> list[str]:
    """Whether two runs are comparable, a line for each test dataset that both have; then what else to know."""
    pair, shared = f"{a.name} and {b.name}", sorted(set(a.tested) & set(b.tested))
    lines = [] if shared else [f"{pair} are not comparable: {why(a, b)}"]
    for test in shared:
        reason = why_on(a, b, test)
        lines.append(
            f"{pair} are not comparable on {test}: {reason}"
            if reason
            else f"{pair} are comparable on {test}: they stand in one ranking"
        )
    return [*lines, *_besides(a, b)]


def _besides(a: RunSummary, b: RunSummary) -> Iterator[str]:
    """What keeps a run out of a ranking that has its place in it."""
    for run in (a, b):
        if run.state != "complete":
            yield f"{run.name} has no numbers, its state is {run.state}{': ' if run.error else ''}{run.error}"
        if any(mark.startswith(LEAK) for mark in run.marks):
            yield f"{run.name} was allowed a leak: it is shown, and never ranked"
    if a.name != b.name and all(getattr(a, part) == getattr(b, part) for part in TWINS):
        yield "they are one method with the same parameters and seed: a ranking counts one of them"


def why_on(a: RunSummary, b: RunSummary, test: str) -> str:
    """The same for one test dataset that both runs have."""
    left, right = key_of(a, test), key_of(b, test)
    return "; ".join(
        _in_words(part, getattr(left, part), getattr(right, part), a, b)
        for part in Key._fields
        if getattr(left, part) != getattr(right, part)
    )


def differences(a: Any, b: Any, path: str = "") -> Iterator[str]:  # any JSON values
    """Each place where two JSON values differ, as `postprocess[0].size 5 against 7`."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in sorted(set(a) | set(b)):
            inner = f"{path}.{name}" if path else str(name)
            yield from differences(a.get(name), b.get(name), inner)
    elif _is_list(a) and _is_list(b):
        for index, (left, right) in enumerate(zip_longest(a, b)):
            yield from differences(left, right, f"{path}[{index}]")
    elif a != b:
        yield f"{path} {_short(a)} against {_short(b)}"


def _in_words(part: str, left: str, right: str, a: RunSummary, b: RunSummary) -> str:
    said = f"{WORDS[part]} differs" if part not in {"options", "fit_ids", "test_ids"} else WORDS[part]
    if part == "fingerprint":
        found = list(differences(a.pinned, b.pinned))
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return f"{said}: {', '.join(found[:SHOWN])}{more}"
    if part in {"fit_ids", "test_ids"}:
        folds = part == "fit_ids" and (a.fold is None) != (b.fold is None)
        more = ", and only one of the runs is of a fold" if folds else ""
        return f"{said} differ: sha256 {left[:8]} against {right[:8]}{more}"
    return (
        f"{said} differ: {left} against {right}" if part == "options" else f"{said}: {left} against {right}"
    )


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _short(value: object) -> str:
    """A value in a few words; a step as `median (axes 2, size 5)`."""
    if isinstance(value, Mapping) and "step" in value:
        options = ", ".join(f"{name} {value[name]}" for name in sorted(value) if name != "step")
        value = f"{value['step']} ({options})" if options else value["step"]
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
