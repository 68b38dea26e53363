"""ATLAS v2.0: stroke, 655 sessions with lesions traced by hand, T1 of the whole head in MNI space."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.file_search import nifti_files
from uad_datasets.pairing import Files, Pairing, need_lesion_mask

SUBJECT = re.compile(r"sub-(r\d{3})s\d{3}")
# Published code disagrees on the word after `label-`: any is accepted.
NAME = re.compile(
    rf"({SUBJECT.pattern}_ses-\d+)(?:_space-[A-Za-z0-9]+)?_(T1w|label-[A-Za-z0-9]+_desc-T1lesion_mask)(?i:\.nii(\.gz)?)"
)
LAYOUT = (
    "ATLAS_2/Training/R001/sub-r001s001/ses-1/anat/sub-r001s001_ses-1_space-MNI152NLin2009aSym_T1w.nii.gz, "
    "with the mask in the same folder, ending in _label-L_desc-T1lesion_mask.nii.gz"
)


@dataclass
class AtlasV2Adapter(DatasetAdapter):
    """The BIDS-like tree as downloaded, or any part of it. A session is a case; `site` is the cohort (R001).

    The part `Testing`, which has no lesion masks, is left out.
    """

    name: ClassVar[str] = "atlas_v2"
    modalities: ClassVar[tuple[str, ...]] = ("t1",)
    people: ClassVar[str] = "atlas_v2"
    about: ClassVar[str] = (
        "https://fcon_1000.projects.nitrc.org/indi/retro/atlas.html (form, encrypted archive, no "
        "redistribution); Liew et al., Scientific Data 2022; docs/datasets/atlas_v2.md"
    )

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per session; a DataError for one without lesion mask (UB333). Raises as `Pairing.cases`."""
        pairing = Pairing(root, LAYOUT)
        for path in nifti_files(root):
            if match := NAME.fullmatch(path.name):
                pairing.put(match[1], "t1" if match[3] == "T1w" else "lesion_mask", path)
        pairing.leave_out_hidden()
        return pairing.cases(_case)


def _case(case_id: str, files: Files) -> Case:
    subject, _, _ = case_id.partition("_")
    return Case(
        dataset=AtlasV2Adapter.name,
        case_id=case_id,
        subject_id=subject,
        images={"t1": files["t1"]},
        healthy=False,
        lesion_mask=need_lesion_mask(case_id, files, "label-*_desc-T1lesion_mask"),
        lesion_kind="stroke",
        stripped=False,
        site=subject[len("sub-") :][:4].upper(),
    )
