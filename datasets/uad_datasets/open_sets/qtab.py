"""QTAB (OpenNeuro ds004146): 417 healthy twins of 8 to 16 years, up to two sessions, T1, T2 and FLAIR."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.demographics import MISSING, age_of, sex_of
from uad_datasets.file_search import nifti_files
from uad_datasets.open_sets.participants import participants, text_of, value_of
from uad_datasets.pairing import Files, Pairing, images_of
from uad_datasets.tables import Row

#: T2w_TSE_run-01 and so on, slabs of the hippocampus, are no T2w.
NAME = re.compile(r"(sub-\d{4}_ses-\d\d)_(UNIT1|UNIT1_denoised|T2w|FLAIR)(?i:\.nii(\.gz)?)")
LAYOUT = "participants.tsv and sub-0001/ses-01/anat/sub-0001_ses-01_{UNIT1,T2w,FLAIR}.nii.gz"
#: The column of the age of each session.
AGES = {"ses-01": "age", "ses-02": "age_ses02"}


@dataclass
class QtabAdapter(DatasetAdapter):
    """The BIDS tree as downloaded, or any of its subjects. A session is a case; all are healthy volunteers.

    T1 is the MP2RAGE image UNIT1. Twins share a role: the subject is the family (`family-12`) of participants.tsv.

    t1: "UNIT1", or "UNIT1_denoised", which has no noise outside the head.
    """

    name: ClassVar[str] = "qtab"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "t2", "flair")
    people: ClassVar[str] = "qtab"
    about: ClassVar[str] = (
        "https://openneuro.org/datasets/ds004146 (CC0); Strike et al.; docs/datasets/qtab.md"
    )

    t1: Literal["UNIT1", "UNIT1_denoised"] = "UNIT1"

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per session; a DataError for a subject whose family is unknown (UB334).

        Raises DataError where there is no participants.tsv (UB334), else as `Pairing.cases`.
        """
        pairing = Pairing(root, LAYOUT)
        whats = {self.t1: "t1", "T2w": "t2", "FLAIR": "flair"}
        for path in nifti_files(root, skip=frozenset({"sourcedata"})):
            if (match := NAME.fullmatch(path.name)) and match[2] in whats:
                pairing.put(match[1], whats[match[2]], path)
        people = participants(root) if pairing.files else {}
        return pairing.cases(lambda case_id, files: _case(people, case_id, files))


def _case(people: Mapping[str, Row], case_id: str, files: Files) -> Case:
    person, _, session = case_id.partition("_")
    return Case(
        dataset=QtabAdapter.name,
        case_id=case_id,
        subject_id=_family(people, case_id, person),
        images=images_of(files, QtabAdapter.modalities),
        healthy=True,
        stripped=False,
        age=value_of(people, person, AGES.get(session, "no such session"), age_of),
        sex=value_of(people, person, "sex", sex_of),
    )


def _family(people: Mapping[str, Row], case_id: str, person: str) -> str:
    """The subject of a case. Raises DataError where the family is unknown: its twin may have another role."""
    family = text_of(people, person, "family_id")
    if family.lower() in MISSING:
        what = f"participants.tsv has no family_id for {person}"
        hint = (
            "complete the table: without its family, a twin may be in training and the other one in the test"
        )
        raise DataError(what, where=case_id, hint=hint, code="UB334")
    return f"family-{re.sub(r'[^A-Za-z0-9]+', '_', family)}"
