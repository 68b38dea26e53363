"""Health of the subjects of participants.tsv by its columns of groups, where no column `healthy` says it."""

import re
from collections.abc import Mapping

from uad_bench.support.text import words_of
from uad_datasets.demographics import MISSING
from uad_datasets.tables import Row

#: Columns that say in a word whether a subject is a patient.
GROUPS = ("group", "diagnosis", "dx", "participant_group", "patient_group", "status", "cohort")
#: Columns in which each word that is not healthy is a disease.
DIAGNOSES = frozenset({"diagnosis", "dx"})
HEALTHY = words_of(
    "hc hv nc cn td ctl ctrl con control controls healthy normal volunteer volunteers "
    "healthycontrol healthycontrols healthyvolunteer healthyvolunteers normalcontrol typicallydeveloping"
)
ILL = frozenset({"patient", "patients", "pat"})
#: Columns whose words are often of something else than health (quality, age); an unknown word says nothing.
LOOSE = frozenset({"status", "cohort"})
#: Words of a diagnosis that names no disease: `no MS`, `cognitively normal`, `not applicable`.
NO_DISEASE = HEALTHY | words_of(
    "no not non none without negative false nodiagnosis nodisease unaffected asymptomatic cognitively"
)
#: Arms of a trial: beside them, a control is a patient or a healthy subject.
ARMS = words_of(
    "intervention interventional treatment treated active placebo sham drug verum waitlist training exercise "
    "experimental"
)


def declare_health(people: Mapping[str, Row], facts: Mapping[str, dict[str, str]]) -> None:
    """Fill `healthy` of each subject where it is empty, or `contradiction` where two columns disagree.

    The first filled column without arms of a trial decides. Where one of its groups is known to be healthy, the
    others are patients.
    """
    columns = {name: {subject: row.get(name) for subject, row in people.items()} for name in GROUPS}
    opinions = {name: _opinions(texts, name) for name, texts in columns.items()}
    filled = [name for name, texts in columns.items() if any(texts.values()) and not _has_arms(texts)]
    for subject, known in facts.items():
        if known["healthy"].lower() not in MISSING:
            continue
        said = {name: opinions[name][subject] for name in filled if opinions[name][subject]}
        if len(set(said.values())) > 1:
            known["contradiction"] = ", ".join(f"{name} {columns[name][subject]!r}" for name in said)
        elif filled and columns[filled[0]][subject].lower() not in MISSING:
            known["healthy"] = _opinions(columns[filled[0]])[subject]


def _opinions(texts: Mapping[str, str], column: str = "") -> dict[str, str]:
    """ "yes", "no" or "" (says nothing) for the health of each subject, by the texts of one column.

    column: its name, where it is compared with other columns. In a column that decides alone, and has a word for
    healthy subjects, every other word is of patients.
    """
    words = {subject: _plain(text) for subject, text in texts.items()}
    known = bool(HEALTHY & set(words.values())) and column not in DIAGNOSES | LOOSE

    def opinion(text: str, word: str) -> str:
        if text.lower() in MISSING:
            return ""
        ill = known or word in ILL or (column in DIAGNOSES and _is_disease(text))
        return "yes" if word in HEALTHY else "no" if ill else ""

    return {subject: opinion(text, words[subject]) for subject, text in texts.items()}


def _is_disease(text: str) -> bool:
    """Whether a diagnosis names a disease, as far as its words show.

    >>> _is_disease("MS"), _is_disease("no MS"), _is_disease("age-matched control"), _is_disease("2")
    (True, False, False, False)
    """
    words = set(re.split(r"[^a-z0-9]+", text.lower()))
    return not _plain(text).isdecimal() and not NO_DISEASE & {*words, _plain(text)}


def _has_arms(texts: Mapping[str, str]) -> bool:
    return bool(ARMS & {_plain(text) for text in texts.values()})


def _plain(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def group_word(text: str) -> str:
    """ "yes" or "no" for a word of a group that is known, else the text itself."""
    word = _plain(text)
    return "yes" if word in HEALTHY else "no" if word in ILL else text
