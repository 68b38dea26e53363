"""FCD-Bonn (OpenNeuro ds004199): 85 patients with focal cortical dysplasia and 85 controls, T1 and FLAIR."""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.demographics import MISSING, sex_of
from uad_datasets.file_search import nifti_files
from uad_datasets.open_sets.participants import participants, text_of, value_of
from uad_datasets.pairing import Files, Pairing, images_of, need_lesion_mask
from uad_datasets.tables import Row

log = logging.getLogger(__name__)

#: The words after `acq-` vary; the mask is `<name of a FLAIR>_roi`, for sub-00048 of a FLAIR that is not there.
NAME = re.compile(r"(sub-\d{5})(?:_acq-([A-Za-z0-9]+))?_(T1w|FLAIR|FLAIR_roi)(?i:\.nii(\.gz)?)")
WHAT = {"T1w": "t1", "FLAIR": "flair", "FLAIR_roi": "lesion_mask"}
#: The number of the codes of ages, each for five years.
CODES = 13
#: The FLAIR protocol of all controls and of 41 patients, on one scanner.
MATCHED = "T2sel"
LAYOUT = (
    "participants.tsv, sub-00001/anat/sub-00001_acq-iso08_T1w.nii.gz, sub-00001_acq-T2sel_FLAIR.nii.gz, and for "
    "patients sub-00001_acq-T2sel_FLAIR_roi.nii.gz"
)


@dataclass
class FcdBonnAdapter(DatasetAdapter):
    """The BIDS tree as downloaded. Controls are those of group `hc` in participants.tsv; `fcd` are patients.

    `scanner` is the word of the FLAIR protocol (`T2sel`). The age is the middle of the five years that the code of
    participants.tsv stands for.

    scanners: "all", or "matched", which leaves out the 44 patients whose FLAIR protocol no control has: otherwise a
    method can tell patients from controls by the protocol.
    """

    name: ClassVar[str] = "fcd_bonn"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "flair")
    people: ClassVar[str] = "fcd_bonn"
    about: ClassVar[str] = (
        "https://openneuro.org/datasets/ds004199 (CC0); Schuch et al., Scientific Data 2023; docs/datasets/fcd_bonn.md"
    )

    scanners: Literal["all", "matched"] = "all"

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per subject; a DataError for a patient without mask, a control with one, or a subject that
        participants.tsv does not name (UB333). Raises DataError where there is no such table (UB334), else as
        `Pairing.cases`."""
        pairing, protocols = Pairing(root, LAYOUT), dict[str, str]()
        for path in nifti_files(root, skip=frozenset({"derivatives", "sourcedata"})):
            if match := NAME.fullmatch(path.name):
                pairing.put(match[1], WHAT[match[3]], path)
                if match[3] == "FLAIR":
                    protocols[match[1]] = match[2] or ""
        if self.scanners == "matched" and pairing.files:
            _require_flair(protocols, root)
            _leave_out(pairing, protocols, root)
        people = participants(root) if pairing.files else {}
        return pairing.cases(partial(_case, people, protocols))


def _require_flair(protocols: Mapping[str, str], root: Path) -> None:
    """Raise DataError where no FLAIR image, whose protocol is matched, is there (UB334)."""
    if not protocols:
        hint = "download the FLAIR images, or leave out fcd_bonn.scanners"
        raise DataError(
            "scanners are matched by the FLAIR, and there is none", where=str(root), hint=hint, code="UB334"
        )


def _leave_out(pairing: Pairing, protocols: Mapping[str, str], root: Path) -> None:
    """Remove the subjects with another FLAIR protocol than the controls, with a warning."""
    others = sorted(case_id for case_id in pairing.files if protocols.get(case_id) != MATCHED)
    for case_id in others:
        del pairing.files[case_id]
    if others:
        what = "%s: left out, because their FLAIR is not acq-%s: %d subjects, %s to %s"
        log.warning(what, root, MATCHED, len(others), others[0], others[-1])


def _case(people: Mapping[str, Row], protocols: Mapping[str, str], case_id: str, files: Files) -> Case:
    healthy = _is_control(people, case_id, files)
    return Case(
        dataset=FcdBonnAdapter.name,
        case_id=case_id,
        subject_id=case_id,
        images=images_of(files, FcdBonnAdapter.modalities),
        healthy=healthy,
        lesion_mask=None if healthy else need_lesion_mask(case_id, files, "FLAIR_roi"),
        lesion_kind="" if healthy else "fcd",
        stripped=False,
        scanner=protocols.get(case_id, ""),
        age=value_of(people, case_id, "age_scan", age_of_code),
        sex=value_of(people, case_id, "sex", sex_of),
    )


def _is_control(people: Mapping[str, Row], case_id: str, files: Files) -> bool:
    group = text_of(people, case_id, "group").lower()
    if group not in {"fcd", "hc"}:
        what = f"participants.tsv has group {group!r} for this subject, neither fcd nor hc"
        raise DataError(what, where=case_id, hint="complete the table, or download it again", code="UB333")
    if group == "hc" and "lesion_mask" in files:
        hint = "correct the group in participants.tsv, or remove the mask"
        raise DataError("a control with a lesion mask", where=case_id, hint=hint, code="UB333")
    return group == "hc"


def age_of_code(text: str) -> float | None:
    """The middle of the five years up to 5 k for the code k; None for missing values.

    Raises ValueError for text that is no code.

    >>> age_of_code("4"), age_of_code("n/a")
    (18.0, None)
    """
    if text.lower() in MISSING:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= CODES:
        raise ValueError(f"{text!r} is not one of the codes 1 to {CODES}")
    return 5.0 * int(text) - 2
