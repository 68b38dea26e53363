"""Which runs may be ranked together, and an explanation in words where they may not."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from uad_bench.leaderboard.run_summary import LEAK, RunSummary
from uad_bench.leaderboard.statistic_types import SCHEME
from uad_bench.leaderboard.table import TableKey
from uad_bench.types import TRACKS

WORDS = {
    "protocol": "protocol",
    "test": "test dataset",
    "train": "training dataset",
    "fingerprint": "protocol fingerprint",
    "options": "dataset options",
    "fit_ids": "training, validation or tune cases",
    "test_ids": "test cases",
    "track": "track",
}
#: Differences of two protocols that are listed.
LISTED = 5
#: Runs that agree in these are repetitions of the same run.
REPETITION = ("method", "settings", "seed", "fold", "protocol", "fingerprint")


def table_key(run: RunSummary, test: str) -> TableKey:
    """What other runs must have in common with `run` to be ranked with it on the dataset `test`."""
    results = run.results[test]
    ids = results.fit_ids, results.test_ids
    return TableKey(run.protocol, test, run.train, run.fingerprint, results.options, *ids, run.track)


def belongs(run: RunSummary, key: TableKey) -> bool:
    """Whether a table shows a run. A control, which is never ranked, is shown in every track."""
    if key.test not in run.results:
        return False
    own = table_key(run, key.test)
    return own == key or (run.null and own.without_track == key.without_track)


def difference(a: RunSummary, b: RunSummary) -> str:
    """Why two runs are not comparable, in words; "" where they are ranked together on some dataset."""
    shared = sorted(set(a.results) & set(b.results))
    if not shared:
        return f"test dataset differs: {', '.join(sorted(a.results))} against {', '.join(sorted(b.results))}"
    reasons = [difference_on(a, b, test) for test in shared]
    return "" if "" in reasons else reasons[0]


def difference_on(a: RunSummary, b: RunSummary, test: str) -> str:
    """The same for one test dataset that both runs have."""
    left, right = table_key(a, test), table_key(b, test)
    if a.null or b.null:  # a control is shown in the tables of all tracks
        left, right = left.without_track, right.without_track
    return "; ".join(
        _in_words(part, getattr(left, part), getattr(right, part), a, b)
        for part in TableKey._fields
        if getattr(left, part) != getattr(right, part)
    )


def explain(a: RunSummary, b: RunSummary) -> list[str]:
    """Lines for `leaderboard why`: one for each shared test dataset, then what else excludes a run from a ranking."""
    pair, shared = f"{a.name} and {b.name}", sorted(set(a.results) & set(b.results))
    lines = [] if shared else [f"{pair} are not comparable: {difference(a, b)}"]
    excluded = [*_exclusions(a, b)]
    for test in shared:
        if reason := difference_on(a, b, test):
            lines.append(f"{pair} are not comparable on {test}: {reason}")
            continue
        patients = min(_patients(a, test), _patients(b, test))
        few = f", without ranks: fewer than {SCHEME.patients} patients with lesions ({patients})"
        where = "ranked together" if not excluded else "in the same table"
        lines.append(
            f"{pair} are comparable on {test}: they are "
            + (where if patients >= SCHEME.patients else f"in the same table{few}")
        )
    return [*lines, *excluded]


def _patients(run: RunSummary, test: str) -> int:
    """Subjects with lesions on a test dataset; cases with lesions where the subjects are not known."""
    results = run.results[test]
    return len({results.subjects.get(one, one) for one in results.groups.get("all", ())}) or results.lesion


def _exclusions(a: RunSummary, b: RunSummary) -> Iterator[str]:
    """What excludes a run from a ranking that it is comparable with."""
    for run in (a, b):
        if run.null:
            yield f"{run.name} is a control: it is shown but never ranked"
        if not run.complete:
            yield f"{run.name} has no results, its state is {run.state}{': ' if run.error else ''}{run.error}"
        if any(mark.startswith(LEAK) for mark in run.marks):
            yield f"{run.name} was run with an allowed data leak: it is shown but never ranked"
    repeated = all(getattr(a, part) == getattr(b, part) for part in REPETITION)
    if a.name != b.name and repeated and not difference(a, b):
        yield "they repeat the same method, parameters and seed: a ranking counts one of them"


def protocol_differences(a: Any, b: Any, path: str = "") -> Iterator[str]:  # any JSON values
    """Each place where two JSON values differ, as `postprocess[0].size 5 against 7`.

    >>> list(protocol_differences({"spacing": [1, 1, 1]}, {"spacing": [1, 1, 2]}))
    ['spacing[2] 1 against 2']
    """
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in sorted(set(a) | set(b)):
            inner = f"{path}.{name}" if path else str(name)
            yield from protocol_differences(a.get(name), b.get(name), inner)
    elif _is_list(a) and _is_list(b):
        for index, (left, right) in enumerate(zip_longest(a, b)):
            yield from protocol_differences(left, right, f"{path}[{index}]")
    elif a != b:
        yield f"{path} {_short(a)} against {_short(b)}"


def _in_words(part: str, left: str, right: str, a: RunSummary, b: RunSummary) -> str:
    what = WORDS[part]
    if part == "fingerprint":
        found = list(protocol_differences(a.pinned, b.pinned))
        more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
        return f"{what} differs: {', '.join(found[:LISTED])}{more}"
    if part == "track":
        return (
            f"{what} differs: {_track_text(a)} against {_track_text(b)}; there is one ranking for each track"
        )
    if part in {"fit_ids", "test_ids"}:
        folds = part == "fit_ids" and (a.fold is None) != (b.fold is None)
        more = ", and only one of the runs is a cross-validation fold" if folds else ""
        return f"{what} differ: sha256 {left[:8]} against {right[:8]}{more}"
    return f"{what} differ{'' if part == 'options' else 's'}: {left} against {right}"


def _track_text(run: RunSummary) -> str:
    """`features (NAME learns from ...)`."""
    return f"{run.track} ({run.method} learns from {TRACKS.get(run.track, 'what is not known here')})"


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _short(value: object) -> str:
    """A value in at most 60 characters; a step as `median (axes 2, size 5)`."""
    if isinstance(value, Mapping) and "step" in value:
        options = ", ".join(f"{name} {value[name]}" for name in sorted(value) if name != "step")
        value = f"{value['step']} ({options})" if options else value["step"]
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
