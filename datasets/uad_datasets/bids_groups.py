"""Health of the subjects of participants.tsv by its columns of groups, where no column `healthy` says it."""

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
#: Words of a diagnosis that name no disease.
NO_DISEASE = words_of("no none negative nodiagnosis nodisease")
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
    opinions = {name: _opinions(texts, name in DIAGNOSES) for name, texts in columns.items()}
    filled = [name for name, texts in columns.items() if any(texts.values()) and not _has_arms(texts)]
    for subject, known in facts.items():
        if known["healthy"].lower() not in MISSING:
            continue
        said = {name: opinions[name][subject] for name in GROUPS if opinions[name][subject]}
        if len(set(said.values())) > 1:
            known["contradiction"] = ", ".join(f"{name} {columns[name][subject]!r}" for name in said)
        elif filled and columns[filled[0]][subject].lower() not in MISSING:
            known["healthy"] = _opinions(columns[filled[0]], diagnosis=False)[subject]


def _opinions(texts: Mapping[str, str], diagnosis: bool) -> dict[str, str]:
    """ "yes", "no" or "" (says nothing) for the health of each subject, by the texts of one column."""
    words = {subject: _plain(text) for subject, text in texts.items()}
    known = bool(HEALTHY & set(words.values()))

    def opinion(text: str, word: str) -> str:
        if text.lower() in MISSING:
            return ""
        disease = diagnosis and not word.isdecimal() and word not in NO_DISEASE
        return "yes" if word in HEALTHY else "no" if known or disease or word in ILL else ""

    return {subject: opinion(text, words[subject]) for subject, text in texts.items()}


def _has_arms(texts: Mapping[str, str]) -> bool:
    return bool(ARMS & {_plain(text) for text in texts.values()})


def _plain(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def group_word(text: str) -> str:
    """ "yes" or "no" for a word of a group that is known, else the text itself."""
    word = _plain(text)
    return "yes" if word in HEALTHY else "no" if word in ILL else text
