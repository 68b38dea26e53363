"""MSLesSeg: 75 patients with multiple sclerosis, 115 visits, T1, T2 and FLAIR on the MNI152 grid, skull-stripped."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.file_search import nifti_files
from uad_datasets.pairing import Files, Pairing, images_of, need_lesion_mask

#: P18_T2_T1 is the T1 image of visit 2; test patients have no visit in their names.
NAME = re.compile(r"((P\d+)(?:_T[1-4])?)_(T1|T2|FLAIR|MASK)(?i:\.nii(\.gz)?)")
WHAT = {"T1": "t1", "T2": "t2", "FLAIR": "flair", "MASK": "lesion_mask"}
LAYOUT = (
    "train/P18/T1/P18_T1_{T1,T2,FLAIR,MASK}.nii.gz and test/P54/P54_{T1,T2,FLAIR,MASK}.nii.gz, at any depth"
)


@dataclass
class MslessegAdapter(DatasetAdapter):
    """Files are recognised by their names, in folders of any name. A visit is a case: P18_T1, and P54 without visits.

    The word `T1` behind a patient is the first visit, not a modality. All visits of a patient are one subject.
    """

    name: ClassVar[str] = "mslesseg"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "t2", "flair")
    people: ClassVar[str] = "mslesseg"
    about: ClassVar[str] = (
        "https://doi.org/10.6084/m9.figshare.27919209 (CC BY 4.0); Scientific Data 12:920, 2025; "
        "docs/datasets/mslesseg.md"
    )

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per visit; a DataError for one without lesion mask (UB333). Raises as `Pairing.cases`."""
        pairing = Pairing(root, LAYOUT)
        for path in nifti_files(root):
            if match := NAME.fullmatch(path.name):
                pairing.put(match[1], WHAT[match[3]], path)
        return pairing.cases(_case)


def _case(case_id: str, files: Files) -> Case:
    return Case(
        dataset=MslessegAdapter.name,
        case_id=case_id,
        subject_id=case_id.partition("_")[0],
        images=images_of(files, MslessegAdapter.modalities),
        healthy=False,
        lesion_mask=need_lesion_mask(case_id, files, "MASK"),
        lesion_kind="ms",
        stripped=True,
    )
