"""The values of cases.csv in eight bytes each: a run on 1,281 cases has 250,000 of them, and a table has many runs."""

import csv
import io
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

#: Columns that are read.
COLUMNS = ("dataset", "case_id", "metric", "value")


class CaseColumn(Mapping[str, float | None]):
    """The values of one metric by case id, None where it is undefined; columns of the same cases share their ids.

    >>> column = CaseColumn(("a", "b"), np.array([0.5, np.nan]))
    >>> dict(column), column == {"a": 0.5, "b": None}, column.get("c")
    ({'a': 0.5, 'b': None}, True, None)
    """

    def __init__(self, ids: tuple[str, ...], values: npt.NDArray[np.float64]) -> None:
        self._cases, self._values = _cases(ids), values

    def __getitem__(self, case_id: str) -> float | None:
        value = float(self._values[self._cases.at[case_id]])
        return None if math.isnan(value) else value

    def taken(self, ids: tuple[str, ...]) -> npt.NDArray[np.float64]:
        """The values of some cases, (cases,); NaN where one is undefined or has no row."""
        at = self._cases.positions(ids)
        return np.where(at < 0, np.nan, self._values[at])

    def __iter__(self) -> Iterator[str]:
        return iter(self._cases.at)

    def __len__(self) -> int:
        return len(self._cases.at)

    def __contains__(self, case_id: object) -> bool:
        return case_id in self._cases.at

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CaseColumn) and self._cases is other._cases:
            return np.array_equal(self._values, other._values, equal_nan=True)
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]  # as of a dict

    def __repr__(self) -> str:
        return f"CaseColumn({dict(self)})"


class _Cases:
    """Where the rows of some cases are; of several rows of a case the last one counts."""

    def __init__(self, ids: tuple[str, ...]) -> None:
        self.at = {case_id: at for at, case_id in enumerate(ids)}
        self._asked, self._found = ids, np.fromiter(map(self.at.__getitem__, ids), np.intp, len(ids))

    def positions(self, ids: tuple[str, ...]) -> npt.NDArray[np.intp]:
        """The row of each case, -1 where there is none. Metrics of a table are asked for the same cases in turn."""
        if ids != self._asked:
            self._asked = ids
            self._found = np.fromiter((self.at.get(one, -1) for one in ids), np.intp, len(ids))
        return self._found


#: Columns of the same cases share one object, in a run and between runs.
_cases = lru_cache(maxsize=256)(_Cases)


def values_of(column: Mapping[str, float | None], ids: Sequence[str]) -> npt.NDArray[np.float64]:
    """The values of some cases, (cases,); NaN where one is undefined or has no row.

    >>> values_of({"a": 0.5, "b": None}, ["b", "a", "c"]).tolist()
    [nan, 0.5, nan]
    """
    if not isinstance(column, CaseColumn):
        return np.array(list(map(column.get, ids)), np.float64)
    return column.taken(tuple(ids))


def read_case_values(path: Path) -> dict[str, dict[str, CaseColumn]]:
    """The values of a cases.csv by dataset, metric and case; empty for a file that does not exist.

    Raises ValueError for a value that is not finite, for a row of another length than the head, and for a missing
    column.
    """
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read()
    rows = _plain(text) or _any(text)
    order = np.argsort(rows.which, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(rows.which[order])) + 1) if len(order) else []
    found: dict[str, dict[str, CaseColumn]] = {}
    for (dataset, metric), at in zip(rows.names, groups, strict=True):
        column = CaseColumn(tuple(map(rows.ids.__getitem__, at.tolist())), rows.values[at])
        found.setdefault(dataset, {})[metric] = column
    return found


class _Rows(NamedTuple):
    """The rows of a file. which: the index in `names`, pairs (dataset, metric), each of which has a row."""

    names: Sequence[tuple[str, str]]
    which: npt.NDArray[np.integer[Any]]
    ids: Sequence[str]
    values: npt.NDArray[np.float64]


def _plain(text: str) -> _Rows | None:
    """The rows of a text without quotes, by pandas, whose numbers are those of `float` from version 3.1 on.

    None for a text with quotes, with a row of another length, or with a value that is not finite.
    """
    head = text[: text.find("\n")].split(",")
    if '"' in text or "\r" in text or not set(COLUMNS) <= set(head):
        return None
    import pandas as pd

    kinds: Any = dict.fromkeys(head, "category") | {"value": "float64"}
    empty: Any = {"value": [""]}
    try:
        frame = pd.read_csv(
            io.StringIO(text), dtype=kinds, keep_default_na=False, na_values=empty, engine="c"
        )
    except ValueError:  # a row is too long, or a value is no number
        return None
    if text.count(",") != (len(frame) + 1) * (len(head) - 1):  # a row is too short, which pandas fills
        return None
    datasets, cases, metrics, values = (frame[name] for name in COLUMNS)
    if np.isinf(values).any():
        return None
    pairs = datasets.cat.codes.to_numpy(np.int64) * len(metrics.cat.categories) + metrics.cat.codes
    _, first, which = np.unique(pairs, return_index=True, return_inverse=True)
    names = list(zip(datasets.iloc[first], metrics.iloc[first], strict=True))
    ids = list(map(list(map(sys.intern, cases.cat.categories)).__getitem__, cases.cat.codes.tolist()))
    return _Rows(names, which, ids, values.to_numpy())


def _any(text: str) -> _Rows:
    """The rows of any text, by the module csv."""
    reader = csv.reader(io.StringIO(text, newline=""))
    head = next(reader, [])
    rows = list(filter(None, reader))
    for odd in set(map(len, rows)) - {len(head)}:
        raise ValueError(f"a row with {odd} cells below a head of {len(head)}")
    wanted = [head.index(name) for name in COLUMNS] if head else []
    datasets, cases, metrics, texts = ([row[at] for row in rows] for at in wanted or range(4))
    pairs = list(zip(datasets, metrics, strict=True))
    names = sorted(set(pairs))
    which = np.array(list(map({name: at for at, name in enumerate(names)}.__getitem__, pairs)), np.int64)
    return _Rows(names, which, list(map(sys.intern, cases)), _numbers(metrics, texts))


def _numbers(metrics: Sequence[str], texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """The values of some rows, NaN for empty cells."""
    values = np.fromiter(map(float, [text or "nan" for text in texts]), np.float64, len(texts))
    for at in np.flatnonzero(~np.isfinite(values)).tolist():
        if texts[at]:
            raise ValueError(f"{metrics[at]} is {values[at]}")
    return values
