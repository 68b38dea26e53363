"""MSLUB: 30 patients with multiple sclerosis, T1, T2 and FLAIR, lesions by the consensus of three raters."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.pairing import Found, nifti_files, put, require

FOLDER = re.compile(r"patient\d{1,3}")
NAME = re.compile(
    r"(?:patient\d{1,3}_)?(T1WKS|T1W|T2W|FLAIR|brainmask|consensus_gt)(?:_N4\w*_regtoMNI)?\.nii(\.gz)?"
)
STANDARD = re.compile(r"GOLD_STANDARD\w*\.nii(\.gz)?")
WHAT = {
    **{"T1W": "t1", "T1WKS": "t1ce", "T2W": "t2", "FLAIR": "flair"},
    **{"brainmask": "brain_mask", "consensus_gt": "lesion_mask"},
}
LAYOUT = "patient01/patient01_{T1W,T1WKS,T2W,FLAIR,brainmask,consensus_gt}.nii.gz, the prefix optional"


@dataclass
class MslubAdapter(DatasetAdapter):
    """The official folders, or one of the GitHub copies (no name prefix; coregistered or on the MNI grid).

    Images as scanned (folders `raw`) are passed over: they do not share the grid of the lesion mask; the
    longitudinal sister set is too: its masks mark change between visits. T1WKS, T1 with contrast agent, is
    t1ce.
    """

    name: ClassVar[str] = "mslub"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "t1ce", "t2", "flair")
    about: ClassVar[str] = "https://lit.fe.uni-lj.si (CC BY); Lesjak et al., Neuroinformatics 2017"

    def discover(self, root: Path) -> Iterator[Case]:
        """One case a patient. Raises DataError for a patient without the consensus lesion mask."""
        found: Found = {}
        for path in nifti_files(root, skip=frozenset({"raw", "longitudinal"})):
            what = _what(path)
            if what:
                put(found, path.parent.name, what, path)
        require(found, root, LAYOUT)
        return iter([_case(case_id, files) for case_id, files in sorted(found.items())])


def _what(path: Path) -> str | None:
    """What a file is, None for files of no interest."""
    if not FOLDER.fullmatch(path.parent.name):
        return None
    if STANDARD.fullmatch(path.name):
        return "lesion_mask"
    match = NAME.fullmatch(path.name)
    return WHAT[match[1]] if match else None


def _case(case_id: str, files: dict[str, Path]) -> Case:
    if "lesion_mask" not in files:
        folder = next(iter(files.values())).parent
        hint = "copy the case again, with its consensus mask"
        raise DataError(f"no lesion mask (consensus_gt) in {folder}", where=case_id, hint=hint, code="UB333")
    return Case(
        dataset=MslubAdapter.name,
        case_id=case_id,
        subject_id=case_id,
        images={modality: files[modality] for modality in MslubAdapter.modalities if modality in files},
        healthy=False,
        lesion_mask=files["lesion_mask"],
        brain_mask=files.get("brain_mask"),
        lesion_kind="ms",
    )
