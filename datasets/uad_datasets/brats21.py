"""BraTS 2021: 1,251 glioma patients, skull-stripped, 1 mm, with tumour masks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import ClassVar, Literal

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.brats.editions import CASE, EDITIONS, MODALITIES, NAME, WHAT, edition_of, subject_of, which
from uad_datasets.brats.reading import make_case
from uad_datasets.file_search import nifti_files
from uad_datasets.pairing import Files, Pairing

__all__ = ["Brats21Adapter", "subject_of"]

#: A name of any edition of BraTS; its letters and the year are the edition.
ANY = re.compile(
    r"(?i)((?:MICCAI_)?BraTS[-_]?(?:[A-Za-z]+(?:-[A-Za-z]+)*|\d{2,4}(?:[-_][A-Za-z]+)*)).*\.nii(\.gz)?"
)
LAYOUT = (
    "BraTS2021_00000/BraTS2021_00000_{t1,t1ce,t2,flair,seg}.nii.gz or "
    "BraTS-GLI-00000-000/BraTS-GLI-00000-000-{t1n,t1c,t2w,t2f,seg}.nii.gz, at any depth"
)
Named = Literal["GLI-2024", "MEN", "MEN-RT", "MET", "PED", "SSA"]


@dataclass
class Brats21Adapter(DatasetAdapter):
    """Case folders at any depth, with the names of 2021 or of GLI 2023, which are the same scans, or both.

    The lesion is the whole tumour, whatever the label of its enhancing part (4 in 2021, 3 from 2023 on). Both names of
    a scan give the same subject, so that it cannot be in two roles. Cases of other editions are an error that names
    their dataset. Cases of a validation folder, whose masks are not public, are left out.

    editions: other editions that are read as well. In GLI-2024 and MET, label 4 is the resection cavity, which is
    ignored: neither lesion nor healthy.
    """

    name: ClassVar[str] = "brats21"
    modalities: ClassVar[tuple[str, ...]] = MODALITIES
    people: ClassVar[str] = "brats"
    about: ClassVar[str] = (
        "RSNA-ASNR-MICCAI BraTS 2021, on TCIA (CC BY 4.0); Baid et al., arXiv 2107.02314; "
        "docs/datasets/brats21.md"
    )

    editions: tuple[Named, ...] = ()

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per folder; a DataError for one without tumour mask (UB333), and for each edition that is not
        read (UB334). Raises as `Pairing.cases`."""
        pairing, unknown, other = Pairing(root, LAYOUT), dict[str, list[Path]](), dict[str, set[str]]()
        for path in nifti_files(root):
            if match := NAME.fullmatch(path.name):
                if (edition := edition_of(match[1])) in {"2021", "GLI-2023", *self.editions}:
                    pairing.put(match[1], WHAT[match[7].lower()], path)
                else:
                    other.setdefault(edition, set()).add(match[1])
            elif not CASE.match(path.name) and (stranger := ANY.fullmatch(path.name)):
                unknown.setdefault(stranger[1], []).append(path)
        faults = [_not_known(edition, paths) for edition, paths in unknown.items()]
        faults += [_not_read(edition, cases) for edition, cases in sorted(other.items())]
        if faults and not pairing.files:
            return iter(faults)
        pairing.leave_out_hidden()
        return chain(pairing.cases(_case), faults)


def _not_known(edition: str, paths: list[Path]) -> DataError:
    files = f"{len(paths)} files, the first {paths[0].name}"
    if re.match(CASE.pattern, paths[0].name, re.IGNORECASE):
        what, hint = f"names in other capitals than BraTS2021_00000: {files}", "rename the files"
        return DataError(what, where=paths[0].parent.name, hint=hint, code="UB334")
    what = f"the BraTS edition {edition!r} is not known: {files}"
    hint = "its labels may have other meanings; read it with dataset `folder`, or leave it out of the root"
    return DataError(what, where=paths[0].parent.name, hint=hint, code="UB334")


def _not_read(edition: str, cases: set[str]) -> DataError:
    """The error for cases of an edition that is neither 2021 nor named."""
    what = f"not of BraTS 2021, but of {edition}: {len(cases)} case{'' if len(cases) == 1 else 's'}"
    hint = f"{which([edition])}; or set brats21.editions=[{edition}] to read them here too"
    return DataError(what, where=min(cases), hint=hint, code="UB334")


def _case(case_id: str, files: Files) -> Case:
    return make_case(Brats21Adapter.name, case_id, files, EDITIONS[edition_of(case_id)])
