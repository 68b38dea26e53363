"""BraTS 2021: 1,251 glioma patients, skull-stripped, 1 mm, with tumour masks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.file_search import nifti_files
from uad_datasets.pairing import Files, Pairing, need_lesion_mask

CASE = re.compile(r"BraTS2021_(\d{5})|BraTS-GLI-(\d{5})-\d{3}")
NAME = re.compile(rf"({CASE.pattern})[_-](t1|t1ce|t2|flair|seg|t1n|t1c|t2w|t2f)\.nii(\.gz)?")
#: File name endings of 2021 and, for the same scans, of the challenges from 2023 on.
WHAT = {
    **{"t1": "t1", "t1ce": "t1ce", "t2": "t2", "flair": "flair", "seg": "lesion_mask"},
    **{"t1n": "t1", "t1c": "t1ce", "t2w": "t2", "t2f": "flair"},
}
LAYOUT = (
    "BraTS2021_00000/BraTS2021_00000_{t1,t1ce,t2,flair,seg}.nii.gz or "
    "BraTS-GLI-00000-000/BraTS-GLI-00000-000-{t1n,t1c,t2w,t2f,seg}.nii.gz, at any depth"
)


@dataclass
class Brats21Adapter(DatasetAdapter):
    """Case folders at any depth, with the names of 2021 or of 2023 and later, or both.

    The lesion is the whole tumour, every label above zero: enhancing tumour is 4 in 2021 and 3 in 2023. Both names of
    a scan give the same subject, so that it cannot be in two roles. Cases of a validation folder, whose masks are not
    public, are left out.
    """

    name: ClassVar[str] = "brats21"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "t1ce", "t2", "flair")
    about: ClassVar[str] = (
        "RSNA-ASNR-MICCAI BraTS 2021, on TCIA (CC BY 4.0); Baid et al., arXiv 2107.02314; "
        "docs/datasets/brats21.md"
    )

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per folder; a DataError for one without tumour mask (UB333). Raises as `Pairing.cases`."""
        pairing = Pairing(root, LAYOUT)
        for path in nifti_files(root):
            if match := NAME.fullmatch(path.name):
                pairing.put(match[1], WHAT[match[4]], path)
        pairing.leave_out_hidden()
        return pairing.cases(_case)


def subject_of(case_id: str) -> str:
    """The subject of a case under either name of it: BraTS-00000."""
    match = CASE.fullmatch(case_id)
    return f"BraTS-{match[1] or match[2]}" if match else case_id


def _case(case_id: str, files: Files) -> Case:
    return Case(
        dataset=Brats21Adapter.name,
        case_id=case_id,
        subject_id=subject_of(case_id),
        images={modality: files[modality] for modality in Brats21Adapter.modalities if modality in files},
        healthy=False,
        lesion_mask=need_lesion_mask(case_id, files, "seg"),
        lesion_kind="tumour",
        stripped=True,
    )
