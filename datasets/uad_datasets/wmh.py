"""WMH 2017: white matter hyperintensities, 60 training and 110 test subjects of five scanners, T1 and FLAIR."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.file_search import nifti_files
from uad_datasets.pairing import Files, Pairing, images_of, need_lesion_mask

IMAGES = {"T1": "t1", "FLAIR": "flair"}
LAYOUT = (
    "training/Utrecht/0/{pre,orig}/{T1,FLAIR}.nii.gz and training/Utrecht/0/wmh.nii.gz; "
    "training/Amsterdam/GE3T/100 or GE3T/100 likewise"
)


@dataclass
class WmhAdapter(DatasetAdapter):
    """Subject folders at any depth. The case id is the name of the scanner, the folder above, and of the subject.

    `Singapore/64` is Singapore_64, and `Philips_VU .PETMR_01./160` is Philips_VU_PETMR_01_160. `site` is Utrecht,
    Singapore or Amsterdam, `scanner` the name of the folder. Label 1 is lesion; label 2, other pathology, is ignored:
    neither lesion nor healthy. 3DT1, which has a grid of its own, is not read.

    version: "pre" (bias-corrected by the challenge) or "orig" (as scanned).
    """

    name: ClassVar[str] = "wmh"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "flair")
    people: ClassVar[str] = "wmh"
    about: ClassVar[str] = (
        "https://doi.org/10.34894/AECRSD (CC BY-NC 4.0); Kuijf et al., IEEE TMI 2019; docs/datasets/wmh.md"
    )

    version: Literal["pre", "orig"] = "pre"

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per subject; a DataError for one without lesion mask (UB333). Raises as `Pairing.cases`."""
        pairing = Pairing(root, LAYOUT)
        for path in nifti_files(root):
            name = path.name.partition(".")[0]
            if name == "wmh":
                pairing.put(_case_id(path.parent), "lesion_mask", path)
            elif name in IMAGES and path.parent.name == self.version:
                pairing.put(_case_id(path.parents[1]), IMAGES[name], path)
        pairing.leave_out_hidden()
        return pairing.cases(_case)


def _case_id(subject: Path) -> str:
    """The case id: scanner and number of a subject folder as one plain word."""
    subject = subject.absolute()
    return re.sub(r"[^A-Za-z0-9]+", "_", f"{subject.parent.name}_{subject.name}").strip("_")


def site_of(case_id: str) -> str:
    """The hospital of a case; the scanners in Amsterdam have names of their own."""
    scanner = case_id.rpartition("_")[0]
    return "Amsterdam" if scanner.startswith(("GE3T", "GE1T5", "Philips", "Amsterdam")) else scanner


def _case(case_id: str, files: Files) -> Case:
    return Case(
        dataset=WmhAdapter.name,
        case_id=case_id,
        subject_id=case_id,
        images=images_of(files, WmhAdapter.modalities),
        healthy=False,
        lesion_mask=need_lesion_mask(case_id, files, "wmh"),
        lesion_kind="wmh",
        lesion_labels=(1,),
        ignored_labels=(2,),
        stripped=False,
        site=site_of(case_id),
        scanner=case_id.rpartition("_")[0],
    )
