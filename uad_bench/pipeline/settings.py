"""Settings of the command line: `--set KEY=VALUE` and `--seeds`, as values."""

from collections.abc import Sequence
from typing import Any

from uad_bench import plugins
from uad_bench.config import Overrides, merged, validated
from uad_bench.errors import UsageError, unknown_name
from uad_bench.support import strict_yaml

#: More seeds in one command are a slip: a seed that was given as a count.
MOST_SEEDS = 10_000


def with_settings(
    over: Overrides, settings: Sequence[tuple[Sequence[str], Any]], methods: Sequence[str] = ()
) -> Overrides:
    """`over` with every --set applied. The first word of a key is a method, `protocol`, or a dataset.

    Raises UsageError for a key that is none of these.
    """
    result = over.model_dump()
    for path, value in settings:
        section, *keys = _section(list(path), methods)
        nested: dict[str, Any] = {keys[-1]: value}
        for key in reversed(keys[:-1]):
            nested = {key: nested}
        result[section] = merged(result[section], nested)
    return validated(Overrides, result, "--set")


def _section(path: list[str], methods: Sequence[str]) -> list[str]:
    """A key, preceded by the section of Overrides that it belongs to."""
    names = dict.fromkeys(methods)
    if path[0] in {"protocol", "methods", "datasets"} and len(path) > 1:
        return path
    if path[0] in names and len(path) > 1:
        return ["methods", *path]
    if ("dataset", path[0]) in plugins.catalogue().entries and len(path) > 1:
        return ["datasets", *path]
    if len(path) == 1 and len(names) == 1:
        return ["methods", *names, *path]
    datasets = (entry.name for entry in plugins.catalogue().names("dataset"))
    key = ".".join(path)
    raise unknown_name(
        "setting", key, [*names, "protocol", *datasets], hint="(METHOD.KEY, DATASET.KEY, protocol.KEY)"
    )


def assignment(text: str) -> tuple[list[str], Any]:
    """A `--set` option as path and value. Raises UsageError where there is no key or no "=".

    >>> assignment("a.b=1e-3")
    (['a', 'b'], 0.001)
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {text!r}", hint="write KEY=VALUE, for instance METHOD.steps=100")
    return key.strip().split("."), strict_yaml.parse(value, f"--set {key}")


def parse_seeds(text: str) -> list[int]:
    """`5` stands for the five seeds 0 to 4, `0,1,7` for these three. Raises UsageError for anything else (UB203).

    >>> parse_seeds("3"), parse_seeds("0,7")
    ([0, 1, 2], [0, 7])
    """
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        numbers = []
    count = len(numbers) == 1 and "," not in text
    seeds = list(range(min(numbers[0], MOST_SEEDS + 1))) if count else numbers
    if (
        not 0 < len(seeds) <= MOST_SEEDS
        or min(seeds) < 0
        or max(seeds) >= 2**63
        or len(set(seeds)) != len(seeds)
    ):
        hint = f"write a count up to {MOST_SEEDS} (5) or different numbers from 0 to 2^63 - 1 (0,1,2; one seed: 7,)"
        raise UsageError(f"--seeds {text!r}", hint=hint, code="UB203")
    return seeds
