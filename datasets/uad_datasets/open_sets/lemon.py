"""LEMON (OpenNeuro ds000221): 318 healthy adults of Leipzig, one session each, T1, T2 and FLAIR."""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.demographics import MISSING, sex_of
from uad_datasets.file_search import nifti_files
from uad_datasets.open_sets.participants import participants, value_of
from uad_datasets.pairing import Files, Pairing, images_of
from uad_datasets.tables import Row

log = logging.getLogger(__name__)

NAME = re.compile(r"(sub-\d{6}_ses-\d\d)(?:_acq-([A-Za-z0-9]+))?_(T1w|T2w|FLAIR)(?i:\.nii(\.gz)?)")
WHAT = {"T1w": "t1", "T2w": "t2", "FLAIR": "flair"}
#: Two persons with one MP2RAGE file and different other images: in one of them T1 and T2 are of two persons.
DOUBLES = ("sub-010019", "sub-010169")
LAYOUT = "participants.tsv and sub-010005/ses-01/anat/sub-010005_ses-01_{acq-mp2rage_T1w,T2w,acq-highres_FLAIR}.nii.gz"


@dataclass
class LemonAdapter(DatasetAdapter):
    """The BIDS tree as downloaded, or any of its subjects. All are healthy; `scanner` is unknown.

    T1 is the MP2RAGE image (acq-mp2rage). The age is the middle of the bin of participants.tsv.

    flair: the word after `acq-` of the FLAIR that is read, "" for any: `highres` reads 3D images only.
    keep_doubles: read the two subjects with one MP2RAGE file as one subject, so that they share a role; by default
    both are left out.
    """

    name: ClassVar[str] = "lemon"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "t2", "flair")
    people: ClassVar[str] = "lemon"
    about: ClassVar[str] = "https://openneuro.org/datasets/ds000221 (CC0); docs/datasets/lemon.md"

    flair: str = ""
    keep_doubles: bool = False

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per session. Raises DataError where there is no participants.tsv (UB334), else as
        `Pairing.cases`."""
        pairing = Pairing(root, LAYOUT, choose="choose the FLAIR with lemon.flair, for instance highres")
        for path in nifti_files(root, skip=frozenset({"derivatives", "sourcedata"})):
            if (match := NAME.fullmatch(path.name)) and self._is_wanted(match[3], match[2] or ""):
                pairing.put(match[1], WHAT[match[3]], path)
        doubles = [case_id for case_id in sorted(pairing.files) if case_id.partition("_")[0] in DOUBLES]
        if doubles and not self.keep_doubles:
            _leave_out(pairing, doubles, root)
        people = participants(root) if pairing.files else {}
        return pairing.cases(partial(_case, people))

    def _is_wanted(self, suffix: str, acquisition: str) -> bool:
        if suffix == "T1w":
            return acquisition == "mp2rage"
        return suffix == "T2w" or self.flair in {"", acquisition}


def _leave_out(pairing: Pairing, doubles: list[str], root: Path) -> None:
    for case_id in doubles:
        del pairing.files[case_id]
    what = "%s: left out, because their T1 files are one and the same (lemon.keep_doubles reads them): %s"
    log.warning(what, root, ", ".join(doubles))


def _case(people: Mapping[str, Row], case_id: str, files: Files) -> Case:
    person = case_id.partition("_")[0]
    return Case(
        dataset=LemonAdapter.name,
        case_id=case_id,
        subject_id=DOUBLES[0] if person in DOUBLES else person,
        images=images_of(files, LemonAdapter.modalities),
        healthy=True,
        stripped=False,
        age=value_of(people, person, "age (5-year bins)", age_of_bin),
        sex=value_of(people, person, "gender", sex_of),
    )


def age_of_bin(text: str) -> float | None:
    """The middle of a bin of ages; None for missing values. Raises ValueError for text that is no bin.

    >>> age_of_bin("20-25"), age_of_bin("n/a")
    (22.5, None)
    """
    if text.lower() in MISSING:
        return None
    match = re.fullmatch(r"(\d+) ?[-–] ?(\d+)", text)
    if not match:
        raise ValueError(f"{text!r} is not a bin of ages")
    return (int(match[1]) + int(match[2])) / 2
