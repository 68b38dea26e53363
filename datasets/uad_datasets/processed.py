"""The preprocessed scans that the authors of pDDPM share: several datasets under one root."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError, unknown_name
from uad_bench.support.deprecation import renamed_fields
from uad_datasets.brats21 import subject_of as brats_subject
from uad_datasets.file_search import nifti_files
from uad_datasets.pairing import Files, Pairing, images_of, need_lesion_mask
from uad_datasets.wmh import site_of as wmh_site

MASKS = {"mask": "brain_mask", "seg": "lesion_mask"}
#: Lesion kinds by part; other parts have their name as lesion kind.
KINDS = {"brats21": "tumour", "mslub": "ms", "atlas_v2": "stroke", "wmh": "wmh"}
#: The word for the people of each part, that of the adapter of the same data.
PEOPLE = {"ixi": "ixi", "brats21": "brats", "mslub": "mslub", "atlas_v2": "atlas_v2", "wmh": "wmh"}
#: The part of a file name that is the subject; for BraTS and others see `_subject`.
SUBJECT = re.compile(r"IXI\d{3}|sub-[A-Za-z0-9]+|patient\d+")
LAYOUT = "Train/ixi/{mask,t2}/IXI002-Guys-0828_{mask,t2}.nii.gz, Test/Brats21/{mask,t2,seg}/..."


@renamed_fields(mask_cut="mask_threshold")
@dataclass
class ProcessedAdapter(DatasetAdapter):
    """Parts `Train/<part>` and `Test/<part>`, each with a folder for every modality, `mask` and `seg`.

    `Train` and any part named ixi are healthy; every other part of `Test` has lesions. Roles of healthy scans come from
    the protocol, not from these folders: the tables of the papers repeat subjects across roles.

    parts: the parts to read, all of them if empty. mask_threshold: both masks were warped linearly; a voxel
    of the lesion mask counts above this share (the papers count every share above zero, which enlarges the lesions),
    one of the brain mask above 0.5.
    """

    name: ClassVar[str] = "processed"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "t1ce", "t2", "flair", "pd")
    about: ClassVar[str] = (
        "shared by the authors of pDDPM (Behrendt et al. 2023); each part has the terms of its own dataset; "
        "docs/datasets/processed.md"
    )

    parts: tuple[str, ...] = ()
    mask_threshold: float = 0.5

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per scan; a DataError for one of a lesion part without its `seg` (UB333), and for a healthy
        one with a `seg` or of a dataset with lesions in `Train` (UB338).

        Raises UsageError for a part that does not exist (UB201), else as `Pairing.cases`.
        """
        pairing = Pairing(root, LAYOUT)
        known: set[str] = set()
        for path in nifti_files(root):
            if (what := self._what(path)) is None:
                continue
            part = path.absolute().parts[-3].lower()
            known.add(part)
            if not self.parts or part in {wanted.lower() for wanted in self.parts}:
                pairing.put(path.name.rpartition("_")[0], what, path)
        for wanted in self.parts if known else ():
            if wanted.lower() not in known:
                raise unknown_name("part of the processed data", wanted.lower(), known)
        return pairing.cases(self._case)

    def person_of(self, case: Case) -> str:
        """The person by the part that a scan is of: the word of the part's own adapter, and its subject."""
        part = _group_and_part(next(iter(case.images.values())))[1]
        return f"{PEOPLE[part]}/{case.subject_id}" if part in PEOPLE else ""

    def _what(self, path: Path) -> str | None:
        """The modality or mask of a file by its folder, which its name must repeat; None for other files."""
        folders = path.absolute().parts[:-1]
        word = folders[-1].lower()
        ending = path.name.rpartition("_")[2].partition(".")[0].lower()
        if word != ending or len(folders) < 3 or folders[-3].lower() not in {"train", "test"}:
            return None
        return word if word in self.modalities else MASKS.get(word)

    def _case(self, case_id: str, files: Files) -> Case:
        group, part = _only_part(case_id, files.values())
        healthy = group == "train" or part == "ixi"
        if healthy:
            _refuse_lesions(case_id, f"{group.capitalize()}/{part}", part, files)
        return Case(
            dataset=self.name,
            case_id=case_id,
            subject_id=_subject(case_id),
            images=images_of(files, self.modalities),
            healthy=healthy,
            lesion_mask=None if healthy else need_lesion_mask(case_id, files, "seg"),
            brain_mask=files.get("brain_mask"),
            lesion_kind="" if healthy else KINDS.get(part, part),
            mask_threshold=self.mask_threshold,
            stripped=True,
            site=_site(case_id, part),
        )


def _refuse_lesions(case_id: str, place: str, part: str, files: Files) -> None:
    """Raise DataError for a healthy case with a `seg`, or of a dataset with lesions of any year (UB338)."""
    seg = files.get("lesion_mask")
    if seg is not None or _dataset(part) in map(_dataset, KINDS):
        why = f"it has {seg.name}" if seg is not None else "this dataset has lesions"
        what = f"a case of {place}, which is read as healthy, but {why}"
        hint = "move the part to Test, choose others with processed.parts, or remove an empty seg"
        raise DataError(what, where=case_id, hint=hint, code="UB338")


def _dataset(part: str) -> str:
    """The name of a part without year and version.

    >>> _dataset("brats21"), _dataset("atlas_v2")
    ('brats', 'atlas')
    """
    return re.split(r"[^a-z]", part)[0]


def _only_part(case_id: str, files: Iterable[Path]) -> tuple[str, str]:
    """As `_group_and_part`. Raises DataError where the files of a case lie in two parts: two persons, or two copies."""
    found = sorted({_group_and_part(path) for path in files})
    if len(found) > 1:
        what = f"files of this id are in two parts, {' and '.join('/'.join(one) for one in found[:2])}"
        hint = "rename the cases of one part, or choose one part with processed.parts"
        raise DataError(what, where=case_id, hint=hint, code="UB329")
    return found[0]


def _group_and_part(path: Path) -> tuple[str, str]:
    """`train` or `test`, and the part, by the folders of a file."""
    group, part = path.absolute().parts[-4:-2]
    return group.lower(), part.lower()


def _subject(case_id: str) -> str:
    """The subject id, equal to that of the dataset's own adapter, so that a subject has one id everywhere."""
    match = SUBJECT.match(case_id)
    return match[0] if match else brats_subject(case_id)


def _site(case_id: str, part: str) -> str:
    if part == "ixi":
        return case_id.split("-")[1] if case_id.count("-") == 2 else ""
    return wmh_site(case_id) if part == "wmh" else ""
