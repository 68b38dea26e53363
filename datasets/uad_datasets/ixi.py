"""IXI: nearly 600 healthy subjects from three London hospitals, one scan session each, T1, T2 and PD."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from uad_bench import Case, DatasetAdapter
from uad_datasets.pairing import Found, nifti_files, put, require

NAME = re.compile(r"(IXI\d{3})-(Guys|HH|IOP)-(\d{4})-(T1|T2|PD)(_mask)?\.nii(\.gz)?")
LAYOUT = "IXI-T2/IXI002-Guys-0828-T2.nii.gz, in any folders"


@dataclass
class IxiAdapter(DatasetAdapter):
    """The file name decides, so any folder spelling will do: IXI-T2/, T2/, t2/ or all in one.

    T1 and T2 of a session do not share a grid, and not every session has every modality. Brain masks are
    `..._mask.nii.gz` beside their image; of several that of T2, else PD, else T1 is taken, and by its world
    coordinates it serves them all.
    """

    name: ClassVar[str] = "ixi"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "t2", "pd")
    about: ClassVar[str] = "https://brain-development.org (CC BY-SA 3.0)"

    def discover(self, root: Path) -> Iterator[Case]:
        """One case a session, all healthy; `site` is Guys, HH or IOP."""
        found: Found = {}
        for path in nifti_files(root):
            if match := NAME.fullmatch(path.name):
                subject, site, session, modality, mask = match.groups()[:5]
                put(found, f"{subject}-{site}-{session}", modality.lower() + (mask or ""), path)
        with_image = {case_id: files for case_id, files in found.items() if set(files) & set(self.modalities)}
        require(with_image, root, LAYOUT)
        return iter([_case(case_id, files) for case_id, files in sorted(with_image.items())])


def _case(case_id: str, files: dict[str, Path]) -> Case:
    subject, site, _ = case_id.split("-")
    masks = (files.get(f"{modality}_mask") for modality in ("t2", "pd", "t1"))
    return Case(
        dataset=IxiAdapter.name,
        case_id=case_id,
        subject_id=subject,
        images={modality: files[modality] for modality in IxiAdapter.modalities if modality in files},
        healthy=True,
        brain_mask=next((mask for mask in masks if mask), None),
        site=site,
    )
