"""BraTS 2021: 1,251 glioma patients, skull-stripped, 1 mm, with tumour masks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import ClassVar

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.file_search import nifti_files
from uad_datasets.pairing import Files, Pairing, need_lesion_mask

CASE = re.compile(r"BraTS2021_(\d{5})|BraTS-(GLI|MEN|MET|PED|SSA)-(\d{5})-(\d{3})|BraTS-MEN-RT-(\d{4})-\d+")
NAME = re.compile(rf"({CASE.pattern})[_-]((?i:t1|t1ce|t2|flair|seg|t1n|t1c|t2w|t2f|gtv))(?i:\.nii(\.gz)?)")
#: A name of any edition of BraTS; its letters and the year are the edition.
ANY = re.compile(
    r"(?i)((?:MICCAI_)?BraTS[-_]?(?:[A-Za-z]+(?:-[A-Za-z]+)*|\d{2,4}(?:[-_][A-Za-z]+)*)).*\.nii(\.gz)?"
)
#: File name endings of 2021 and, for the same scans, of the challenges from 2023 on.
WHAT = {
    **{"t1": "t1", "t1ce": "t1ce", "t2": "t2", "flair": "flair", "seg": "lesion_mask"},
    **{"t1n": "t1", "t1c": "t1ce", "t2w": "t2", "t2f": "flair", "gtv": "lesion_mask"},
}
LAYOUT = (
    "BraTS2021_00000/BraTS2021_00000_{t1,t1ce,t2,flair,seg}.nii.gz or "
    "BraTS-GLI-00000-000/BraTS-GLI-00000-000-{t1n,t1c,t2w,t2f,seg}.nii.gz, at any depth"
)


@dataclass
class Brats21Adapter(DatasetAdapter):
    """Case folders at any depth, with the names of 2021 or of 2023 and later, or both.

    The lesion is the whole tumour, whatever the label of its enhancing part (4 in 2021, 3 from 2023 on). In GLI 2024
    (time points from 100 on) and MET, label 4 is the resection cavity, which is ignored: neither lesion nor healthy.
    Unknown editions, by their names or labels, are errors. Both names of a scan give the same subject, so that it
    cannot be in two roles. Cases of a validation folder, whose masks are not public, are left out.
    """

    name: ClassVar[str] = "brats21"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "t1ce", "t2", "flair")
    about: ClassVar[str] = (
        "RSNA-ASNR-MICCAI BraTS 2021, on TCIA (CC BY 4.0); Baid et al., arXiv 2107.02314; "
        "docs/datasets/brats21.md"
    )

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per folder; a DataError for one without tumour mask (UB333). Raises as `Pairing.cases`."""
        pairing, unknown = Pairing(root, LAYOUT), dict[str, list[Path]]()
        for path in nifti_files(root):
            if match := NAME.fullmatch(path.name):
                pairing.put(match[1], WHAT[match[7].lower()], path)
            elif not CASE.match(path.name) and (edition := ANY.fullmatch(path.name)):
                unknown.setdefault(edition[1], []).append(path)
        faults = [_not_known(edition, paths) for edition, paths in unknown.items()]
        if faults and not pairing.files:
            return iter(faults)
        pairing.leave_out_hidden()
        return chain(pairing.cases(_case), faults)


def _not_known(edition: str, paths: list[Path]) -> DataError:
    what = f"the BraTS edition {edition!r} is not known: {len(paths)} files, the first {paths[0].name}"
    hint = "its labels may have other meanings; read it with dataset `folder`, or leave it out of the root"
    return DataError(what, where=paths[0].parent.name, hint=hint, code="UB334")


def subject_of(case_id: str) -> str:
    """The subject of a case. The names of 2021 and of every GLI edition give the same one, BraTS-00000."""
    match = CASE.fullmatch(case_id)
    if match is None:
        return case_id
    if match[5]:
        return f"BraTS-MEN-RT-{match[5]}"
    return f"BraTS-{match[1] or match[3]}" if match[2] in {None, "GLI"} else f"BraTS-{match[2]}-{match[3]}"


def _has_cavities(case_id: str) -> bool:
    """Whether label 4 is the resection cavity: in GLI after treatment (2024, time points from 100 on) and in MET."""
    match = CASE.fullmatch(case_id)
    return bool(match and (match[2] == "MET" or (match[2] == "GLI" and int(match[4]) >= 100)))


def _labels(case_id: str) -> tuple[int, ...]:
    """The labels of an edition; empty for 2021, whose copies have 3 or 4 for enhancing tumour."""
    match = CASE.fullmatch(case_id)
    if match is None or match[1]:
        return ()
    if match[5]:
        return (1,)
    return (1, 2, 3, 4) if match[2] == "PED" or _has_cavities(case_id) else (1, 2, 3)


def _stripped(case_id: str) -> bool | None:
    """Scans of MEN-RT are whole heads; those of PED are skull-stripped in some editions only."""
    if case_id.startswith("BraTS-MEN-RT"):
        return False
    return None if case_id.startswith("BraTS-PED") else True


def _case(case_id: str, files: Files) -> Case:
    cavities = _has_cavities(case_id)
    return Case(
        dataset=Brats21Adapter.name,
        case_id=case_id,
        subject_id=subject_of(case_id),
        images={modality: files[modality] for modality in Brats21Adapter.modalities if modality in files},
        healthy=False,
        lesion_mask=need_lesion_mask(case_id, files, "seg"),
        lesion_kind="tumour",
        lesion_labels=(1, 2, 3) if cavities else (),
        ignored_labels=(4,) if cavities else (),
        known_labels=_labels(case_id),
        stripped=_stripped(case_id),
    )
