"""MSLUB: 30 patients with multiple sclerosis, T1, T2 and FLAIR, lesions by the consensus of three raters."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.demographics import Person, find_table, read_people
from uad_datasets.file_search import nifti_files
from uad_datasets.pairing import Files, Pairing, images_of, need_lesion_mask

FOLDER = re.compile(r"patient(\d{1,3})")
NAME = re.compile(
    r"(?:patient(\d{1,3})_)?(T1WKS|T1W|T2W|FLAIR|brainmask|consensus_gt)(?:_N4\w*_regtoMNI)?(?i:\.nii(\.gz)?)"
)
STANDARD = re.compile(r"GOLD_STANDARD\w*(?i:\.nii(\.gz)?)")
WHAT = {
    **{"T1W": "t1", "T1WKS": "t1ce", "T2W": "t2", "FLAIR": "flair"},
    **{"brainmask": "brain_mask", "consensus_gt": "lesion_mask"},
}
LAYOUT = "patient01/patient01_{T1W,T1WKS,T2W,FLAIR,brainmask,consensus_gt}.nii.gz, the prefix optional"


@dataclass
class MslubAdapter(DatasetAdapter):
    """The official folders, or one of the copies on GitHub (no name prefix; coregistered or on the MNI grid).

    Folders `raw` are ignored, because images as scanned are not on the grid of the lesion mask, and so is the
    longitudinal dataset, because its masks mark changes between visits. T1WKS, T1 with contrast agent, is t1ce. The
    copy on the MNI grid (`..._regtoMNI`) is skull-stripped; the others are whole heads with a brain mask. Ages and
    sexes come from `patient_info.csv` in the root or one level above.
    """

    name: ClassVar[str] = "mslub"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "t1ce", "t2", "flair")
    people: ClassVar[str] = "mslub"
    about: ClassVar[str] = (
        "https://lit.fe.uni-lj.si (CC BY); Lesjak et al., Neuroinformatics 2017; docs/datasets/mslub.md"
    )

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per patient; a DataError for one without the consensus lesion mask (UB333).

        Raises DataError for a table that cannot be read (UB321, UB334), else as `Pairing.cases`.
        """
        pairing = Pairing(root, LAYOUT)
        for path in nifti_files(root, skip=frozenset({"raw", "longitudinal"})):
            if what := _what(path):
                pairing.put(path.parent.name, what, path)
        table = find_table(root, ("patient_info.csv",))
        people = read_people(table, ("patient_id", "age", "sex")) if table else {}
        return pairing.cases(partial(_case, people))


def _what(path: Path) -> str | None:
    """The modality or mask of a file, None for other files, and for files of another patient than the folder's."""
    patient = FOLDER.fullmatch(path.parent.name)
    if not patient:
        return None
    if STANDARD.fullmatch(path.name):
        return "lesion_mask"
    match = NAME.fullmatch(path.name)
    if not match or (match[1] and int(match[1]) != int(patient[1])):
        return None
    return WHAT[match[2]]


def _case(people: Mapping[int, Person], case_id: str, files: Files) -> Case:
    person = people.get(int(case_id.removeprefix("patient")), Person())
    images = images_of(files, MslubAdapter.modalities)
    return Case(
        dataset=MslubAdapter.name,
        case_id=case_id,
        subject_id=case_id,
        images=images,
        healthy=False,
        lesion_mask=need_lesion_mask(case_id, files, "consensus_gt"),
        brain_mask=files.get("brain_mask"),
        lesion_kind="ms",
        stripped=True if any("regtoMNI" in path.name for path in images.values()) else None,
        age=person.age,
        sex=person.sex,
    )
