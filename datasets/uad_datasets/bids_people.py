"""Age, sex and health of the subjects of a BIDS tree, from participants.tsv and the units in participants.json."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from uad_bench.errors import DataError
from uad_bench.support.text import first_names
from uad_datasets.bids_groups import declare_health
from uad_datasets.demographics import MISSING, age_of, sex_of
from uad_datasets.folder_table import FACTS
from uad_datasets.tables import Row, read_rows

log = logging.getLogger(__name__)

#: How many of each unit are a year.
UNITS = {
    "year": 1.0,
    "yr": 1.0,
    "y": 1.0,
    "month": 12.0,
    "mo": 12.0,
    "week": 52.1775,
    "day": 365.2425,
    "": 1.0,
}


def facts_of(
    root: Path, columns: Mapping[str, str], subjects: Iterable[str] = ()
) -> Callable[[str], dict[str, str]]:
    """What participants.tsv says of a subject (`sub-01`), by our words; nothing where it has no row.

    Invalid ages and sexes are left out, and `subjects` may have no row, with one warning each. The word
    `contradiction` is there for a subject that one column of groups calls healthy and another one ill. Raises
    DataError for a column that the table lacks (UB334).
    """
    people = _people(root / "participants.tsv", columns)
    facts = {
        subject: {word: row.get(columns.get(word, word)) for word in FACTS} for subject, row in people.items()
    }
    _say_absent(people, subjects)
    declare_health(people, facts)
    _readable(facts, "age", _years(root / "participants.json", columns.get("age", "age")))
    _readable(facts, "sex", lambda text: sex_of(text) or "")
    return lambda subject: facts.get(subject, {})


def _people(table: Path, columns: Mapping[str, str]) -> dict[str, Row]:
    """The rows of participants.tsv by subject; a subject on several rows is left out, with a warning."""
    rows = read_rows(table) if table.is_file() else []
    for name in columns.values():
        if not rows or name.lower() not in rows[0].cells:
            hint = f"the columns are {', '.join(rows[0].cells) if rows else 'none'}"
            raise DataError(f"no column {name!r}", where=str(table), hint=hint, code="UB334")
    ids = [f"sub-{row.get('participant_id').removeprefix('sub-')}" for row in rows]
    twice = sorted(subject for subject, times in Counter(ids).items() if times > 1)
    if twice:
        log.warning("%s: several rows for %s: these rows are ignored", table.name, ", ".join(twice))
    return {subject: row for subject, row in zip(ids, rows, strict=True) if subject not in twice}


def _say_absent(people: Mapping[str, Row], subjects: Iterable[str]) -> None:
    """Warn of subjects with scans that the table, where there is one, does not describe."""
    absent = sorted(set(subjects) - set(people)) if people else []
    if absent:
        log.warning("participants.tsv: no usable row for %d subjects: %s", len(absent), first_names(absent))


def _readable(facts: Mapping[str, dict[str, str]], word: str, read: Callable[[str], str]) -> None:
    """Replace each text by the value that `read` returns, "" for invalid text; one warning names the subjects."""
    odd = []
    for subject, row in facts.items():
        text = row[word]
        try:
            row[word] = read(text)
        except ValueError:
            row[word] = ""
        if text and not row[word]:
            odd.append(f"{subject} ({text})")
    if odd:
        log.warning("participants.tsv: %s unknown for %d subjects: %s", word, len(odd), first_names(odd))


def _years(sidecar: Path, column: str) -> Callable[[str], str]:
    """How ages of a column become years, by `Units` of participants.json."""
    unit = _unit(sidecar, column)
    per_year = UNITS.get(unit.rstrip("s"))
    if per_year is None:
        log.warning("%s: ages in an unknown unit %r are left out", sidecar.name, unit)

    def years(text: str) -> str:
        if per_year is None or text.lower() in MISSING:
            return ""
        age = age_of(text if per_year == 1 else repr(float(text.replace(",", ".")) / per_year))
        return "" if age is None else str(age)

    if per_year not in {None, 1.0}:
        log.warning("%s: ages are in %s and are converted to years", sidecar.name, unit)
    return years


def _unit(sidecar: Path, column: str) -> str:
    """`Units` of a column; "" where it names none, with a warning where the sidecar cannot be read."""
    if not sidecar.is_file():
        return ""
    try:
        content: Any = json.loads(sidecar.read_text("utf-8-sig"))
        keys = {str(key).lower(): value for key, value in content.items()}
        return str(keys.get(column.lower(), {}).get("Units", "")).strip().lower()
    except (OSError, ValueError, RecursionError, AttributeError) as error:
        log.warning("%s cannot be read, ages are taken as years: %s", sidecar.name, error)
        return ""
