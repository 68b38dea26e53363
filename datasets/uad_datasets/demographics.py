"""Age and sex of subjects, from the tables that come with datasets. A join never adds a case."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from uad_bench.errors import DataError
from uad_datasets.tables import read_rows

log = logging.getLogger(__name__)

MISSING = frozenset({"", "n/a", "na", "nan", "none", "null", "unknown", "-", "?"})
#: Words of a yes and of a no, in lower case.
TRUE, FALSE = {"1", "1.0", "true", "yes", "y"}, {"0", "0.0", "false", "no", "n"}
SEXES = {"f": "f", "female": "f", "m": "m", "male": "m"}

#: Units of age by the letter behind a number, per year.
PER_YEAR = {"": 1, "y": 1, "m": 12, "w": 365.25 / 7, "d": 365.25}

Value = TypeVar("Value")


@dataclass(frozen=True)
class Person:
    """Demographics of a subject: age in years, sex "f" or "m"; None where unknown or contradictory."""

    age: float | None = None
    sex: str | None = None


def age_of(text: str) -> float | None:
    """The age in years; None for missing values and 0. Raises ValueError for text that is no age below 126.

    A letter is the unit of a DICOM age: Y, M, W or D for years, months, weeks or days.

    >>> age_of("35,8"), age_of("034Y"), age_of("018M"), age_of("n/a")
    (35.8, 34.0, 1.5, None)
    """
    if text.lower() in MISSING:
        return None
    match = re.fullmatch(r"(\d+(?:[.,]\d*)?) ?([YMWDymwd]?)", text)
    years = float(match[1].replace(",", ".")) / PER_YEAR[match[2].lower()] if match else 999
    if years > 125:
        raise ValueError(f"{text!r} is not an age in years")
    return years or None


def sex_of(text: str, codes: Mapping[str, str] = SEXES) -> str | None:
    """ "f" or "m"; None for missing values. Raises ValueError for a word that is not in `codes`."""
    if text.lower() in MISSING:
        return None
    if text.lower() not in codes:
        raise ValueError(f"sex {text!r} is not one of {', '.join(codes)}")
    return codes[text.lower()]


def read_people(
    path: Path, columns: tuple[str, str, str], codes: Mapping[str, str] = SEXES
) -> dict[int, Person]:
    """Persons by subject number, from a table whose columns are, or begin with, `columns`: number, age, sex.

    Values that the rows of a subject disagree on, or that are no age or sex, become None, and one warning names the
    subjects. Raises DataError for a table that cannot be read (UB321) or lacks a column (UB334).
    """
    rows = _numbered(path, columns)
    ages, doubtful_ages = _agreed(((number, age) for number, age, _ in rows), age_of)
    sexes, doubtful_sexes = _agreed(((number, sex) for number, _, sex in rows), partial(sex_of, codes=codes))
    for what, doubtful in (("age", doubtful_ages), ("sex", doubtful_sexes)):
        if doubtful:
            names = ", ".join(map(str, sorted(doubtful)))
            log.warning("%s: the %s of these subjects is doubtful and not used: %s", path.name, what, names)
    return {number: Person(ages.get(number), sexes.get(number)) for number, _, _ in rows}


def _numbered(path: Path, columns: tuple[str, str, str]) -> list[tuple[int, str, str]]:
    """Subject number and the texts of age and sex; rows without a number are comments."""
    rows = read_rows(path)
    present = [*rows[0].cells] if rows else []
    names = [_column(present, wanted.lower()) for wanted in columns]
    if "" in names:
        lacks = ", ".join(c for c, name in zip(columns, names, strict=True) if not name)
        hint = "name the right table, or remove this one"
        what = f"the table has no column {lacks}, and no single one that begins so"
        raise DataError(what, where=str(path), hint=hint, code="UB334")
    number, age, sex = names
    found = ((re.search(r"\d+", row.get(number)), row) for row in rows)
    return [(int(match[0]), row.get(age), row.get(sex)) for match, row in found if match]


def _column(present: Sequence[str], wanted: str) -> str:
    """The column of this name, else the only one whose name begins with it (`sex_id (1=m, 2=f)`); "" without one."""
    if wanted in present:
        return wanted
    found = [name for name in present if name.startswith(wanted)]
    return found[0] if len(found) == 1 else ""


def _agreed(
    rows: Iterable[tuple[int, str]], read: Callable[[str], Value | None]
) -> tuple[dict[int, Value], set[int]]:
    """The value that the rows of each subject agree on, and the subjects without such a value."""
    values: dict[int, set[Value]] = {}
    doubtful: set[int] = set()
    for number, text in rows:
        try:
            value = read(text)
        except ValueError:
            doubtful.add(number)
            continue
        values.setdefault(number, set()).update(() if value is None else (value,))
    doubtful |= {number for number, of_rows in values.items() if len(of_rows) > 1}
    return {n: next(iter(one)) for n, one in values.items() if one and n not in doubtful}, doubtful


def find_table(root: Path, names: tuple[str, ...]) -> Path | None:
    """The first of these files in `root` or one level above it."""
    candidates = (folder / name for folder in (root, root.absolute().parent) for name in names)
    return next((path for path in candidates if path.is_file()), None)
