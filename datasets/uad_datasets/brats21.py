"""BraTS 2021: 1,251 glioma patients, skull-stripped at 1 mm, with tumour masks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.pairing import Found, nifti_files, put, require

NAME = re.compile(
    r"(BraTS2021_(\d{5})|BraTS-GLI-(\d{5})-\d{3})[_-](t1|t1ce|t2|flair|seg|t1n|t1c|t2w|t2f)\.nii(\.gz)?"
)
#: The endings of 2021 and, for the same scans, those of the challenges from 2023 on.
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
    """Case folders at any depth, in the names of 2021 or of 2023 and later.

    The whole tumour is every label above zero, so that enhancing tumour counts be it 4 (2021) or 3 (2023).
    Both names of a scan give one subject, so that it cannot be in two roles.
    """

    name: ClassVar[str] = "brats21"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "t1ce", "t2", "flair")
    about: ClassVar[str] = "RSNA-ASNR-MICCAI BraTS 2021, on TCIA (CC BY 4.0); Baid et al., arXiv 2107.02314"

    def discover(self, root: Path) -> Iterator[Case]:
        """One case a folder. Raises DataError for a case without tumour mask, as in the validation set."""
        found: Found = {}
        for path in nifti_files(root):
            if match := NAME.fullmatch(path.name):
                put(found, match[1], WHAT[match[4]], path)
        require(found, root, LAYOUT)
        return iter([_case(case_id, files) for case_id, files in sorted(found.items())])


def _case(case_id: str, files: dict[str, Path]) -> Case:
    if "lesion_mask" not in files:
        folder = next(iter(files.values())).parent
        hint = "the training set has one for every case; leave cases without it out of the root"
        raise DataError(f"no tumour mask (seg) in {folder}", where=case_id, hint=hint, code="UB333")
    return Case(
        dataset=Brats21Adapter.name,
        case_id=case_id,
        subject_id=f"BraTS-{re.findall(r'[0-9]{5}', case_id)[0]}",
        images={modality: files[modality] for modality in Brats21Adapter.modalities if modality in files},
        healthy=False,
        lesion_mask=files["lesion_mask"],
        lesion_kind="tumour",
    )
