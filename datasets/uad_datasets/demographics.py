"""Age and sex of subjects, from the sheets that datasets come with. A join never adds a case."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from uad_bench.errors import DataError
from uad_datasets.tables import read_rows

log = logging.getLogger(__name__)

MISSING = frozenset({"", "n/a", "na", "nan", "none", "null", "unknown", "-", "?"})
SEXES = {"f": "f", "female": "f", "m": "m", "male": "m"}

Fact = TypeVar("Fact")


@dataclass(frozen=True)
class Person:
    """What a sheet says of a subject: age in years, sex "f" or "m"; None where it says nothing for sure."""

    age: float | None = None
    sex: str | None = None


def age_of(text: str) -> float | None:
    """Years from "35.8", "35,8", or "034Y" (DICOM); None for missing, zero included.

    Raises ValueError for anything else, and for what no person's age is.
    """
    if text.lower() in MISSING:
        return None
    match = re.fullmatch(r"(\d+(?:[.,]\d*)?) ?[Yy]?", text)
    years = float(match[1].replace(",", ".")) if match else 999
    if years > 125:
        raise ValueError(f"{text!r} is no age in years")
    return years or None


def sex_of(text: str, codes: Mapping[str, str] = SEXES) -> str | None:
    """ "f" or "m"; None for missing. Raises ValueError for a word that `codes` does not hold."""
    if text.lower() in MISSING:
        return None
    if text.lower() not in codes:
        raise ValueError(f"sex {text!r} is not one of {', '.join(codes)}")
    return codes[text.lower()]


def read_people(
    path: Path, columns: tuple[str, str, str], codes: Mapping[str, str] = SEXES
) -> dict[int, Person]:
    """Persons by their number, from a sheet whose columns begin with `columns`: number, age, sex.

    Of a subject on several rows only what the rows agree on is kept; where they contradict each other, or say
    what is no age or sex, it is None, and one warning names the subjects. Raises DataError for a sheet that
    cannot be read (UB321) or lacks a column (UB334).
    """
    rows = _numbered(path, columns)
    ages, odd_ages = _agreed(((number, age) for number, age, _ in rows), age_of)
    sexes, odd_sexes = _agreed(((number, sex) for number, _, sex in rows), partial(sex_of, codes=codes))
    for what, odd in (("age", odd_ages), ("sex", odd_sexes)):
        if odd:
            names = ", ".join(map(str, sorted(odd)))
            log.warning("%s: the %s of these subjects is doubtful and left out: %s", path.name, what, names)
    return {number: Person(ages.get(number), sexes.get(number)) for number, _, _ in rows}


def _numbered(path: Path, columns: tuple[str, str, str]) -> list[tuple[int, str, str]]:
    """Subject number and the texts of age and sex; rows without a number are notes."""
    rows = read_rows(path)
    names = [
        next((n for n in (rows[0].cells if rows else ()) if n.startswith(c.lower())), "") for c in columns
    ]
    if "" in names:
        lacks = ", ".join(c for c, name in zip(columns, names, strict=True) if not name)
        hint = "name the right sheet, or take this one away"
        raise DataError(f"the sheet has no column {lacks}", where=str(path), hint=hint, code="UB334")
    number, age, sex = names
    found = ((re.search(r"\d+", row.get(number)), row) for row in rows)
    return [(int(match[0]), row.get(age), row.get(sex)) for match, row in found if match]


def _agreed(
    said: Iterable[tuple[int, str]], read: Callable[[str], Fact | None]
) -> tuple[dict[int, Fact], set[int]]:
    """What the rows of each subject agree on, and the subjects of whom they give no one answer."""
    facts: dict[int, set[Fact]] = {}
    odd: set[int] = set()
    for number, text in said:
        try:
            fact = read(text)
        except ValueError:
            odd.add(number)
            continue
        facts.setdefault(number, set()).update(() if fact is None else (fact,))
    odd |= {number for number, of_rows in facts.items() if len(of_rows) > 1}
    return {n: next(iter(one)) for n, one in facts.items() if one and n not in odd}, odd


def beside(root: Path, names: tuple[str, ...]) -> Path | None:
    """The first of these files in `root` or one level above it."""
    places = (folder / name for folder in (root, root.absolute().parent) for name in names)
    return next((path for path in places if path.is_file()), None)
