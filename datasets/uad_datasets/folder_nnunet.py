"""The cases of an nnU-Net dataset: images of one channel each, lesion masks in a folder beside them."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from uad_bench.errors import DataError
from uad_bench.support.text import first_names
from uad_datasets.file_search import nifti_files
from uad_datasets.folder_table import CaseEntry
from uad_datasets.nnunet_json import LAYOUT, NAME, Description, fault, read_description
from uad_datasets.pairing import Files, Pairing
from uad_datasets.table_ids import person_of

log = logging.getLogger(__name__)

#: Of `imagesTr` the lesion masks are in `labelsTr`; `imagesTs` is a test set, often without `labelsTs`.
FOLDER = re.compile(r"(images|labels)([A-Za-z]+)")


def read_nnunet(
    root: Path, columns: Mapping[str, str], without_mask: Callable[[CaseEntry], bool]
) -> Iterator[CaseEntry | DataError]:
    """Each case as a CaseEntry, by case id, or as a DataError where it cannot be paired.

    columns: the name or the number of a modality's channel, where the name does not say it. without_mask: whether to
    keep a case of a folder without lesion masks; the others are left out with a warning. A case is a subject of its
    own, unless its id names a session. Raises DataError for an image without the number of its channel (UB334), else
    as `read_description` and `Pairing.cases`.
    """
    described = read_description(root, columns)
    pairing = Pairing(root, LAYOUT)
    for case_id, what, path in _listed(root, described) if described.files else _found(root, described):
        pairing.put(case_id, what, path)
    _say(root, described, pairing.files)

    def entry(case_id: str, files: Files) -> CaseEntry:
        absent = [path for path in files.values() if not path.is_file()]
        if absent:
            hint = f"paths in {NAME} are relative to its folder"
            raise DataError(f"no such file: {absent[0]}", where=case_id, hint=hint, code="UB332")
        return CaseEntry(case_id, person_of(case_id), files, case_id, ignored_labels=described.ignored)

    return _with_masks(pairing.cases(entry), pairing.files, without_mask)


def _found(root: Path, described: Description) -> Iterator[tuple[str, str, Path]]:
    """Case id, role and path of the files in `images..` and `labels..`."""
    for path in nifti_files(root):
        kind = FOLDER.fullmatch(path.parent.name) if path.parent.parent == root else None
        if not kind or not path.name.endswith(described.ending):
            continue
        stem = path.name.removesuffix(described.ending)
        if kind[1] == "labels":
            yield stem, "lesion_mask", path
            continue
        case_id, _, number = stem.rpartition("_")
        if not case_id or not re.fullmatch(r"\d{4}", number):
            what = f"an image without the number of its channel: {path.relative_to(root)}"
            decathlon = (
                "nnUNetv2_convert_MSD_dataset converts 4-D images of the Medical Segmentation Decathlon"
            )
            raise fault(root, what, f"expected {LAYOUT}; {decathlon}")
        if int(number) in described.channels:
            yield case_id, described.channels[int(number)], path


def _listed(root: Path, described: Description) -> Iterator[tuple[str, str, Path]]:
    """Case id, role and path of the files that dataset.json lists, relative to the root."""
    for case_id, files in described.files.items():
        try:
            images, mask = [root / image for image in files["images"]], root / files["label"]
        except (TypeError, KeyError) as error:
            hint = 'expected {"images": [...], "label": ...}'
            raise fault(root / NAME, f"{case_id} has no images and label", hint) from error
        yield case_id, "lesion_mask", mask
        for number, path in enumerate(images):
            if number in described.channels:
                yield case_id, described.channels[number], path


def _say(root: Path, described: Description, found: Mapping[str, Files]) -> None:
    """Warn of what a user may read otherwise: subjects, labels, and the number of training cases."""
    alone = [case_id for case_id in found if person_of(case_id) == case_id]
    if alone:
        what = "%s: each case counts as a subject of its own (%d); where a person has several, use a table"
        log.warning(what, root, len(alone))
    if len(described.labels) > 1:
        what = "%s: labels that count as lesion unless folder.lesion_labels is set: %s"
        log.warning(what, root, ", ".join(described.labels))
    masks = [files["lesion_mask"] for files in found.values() if "lesion_mask" in files]
    training = len(masks) if described.files else sum(mask.parent.name == "labelsTr" for mask in masks)
    if described.training not in (training, None):
        what = "%s: %s says %d training cases, %d have a mask"
        log.warning(what, root, NAME, described.training, training)


def _with_masks(
    found: Iterable[CaseEntry | DataError], files: Mapping[str, Files], keep: Callable[[CaseEntry], bool]
) -> Iterator[CaseEntry | DataError]:
    """The cases with a lesion mask, and others that are kept; a DataError for each other one (UB333).

    Those of a folder in which no case has a mask are left out with a warning: the masks of a test set are often not
    public.
    """
    with_masks = {path.parent for one in files.values() if "lesion_mask" in one for path in one.values()}
    left_out = []
    for one in found:
        if isinstance(one, DataError) or "lesion_mask" in one.files or keep(one):
            yield one
        elif (folder := next(iter(one.files.values())).parent) in with_masks:
            hint = "copy the mask again, or name the case in folder.healthy if it is healthy"
            what = f"no lesion mask, as other cases of {folder.name} have"
            yield DataError(what, where=one.case_id, hint=hint, code="UB333")
        else:
            left_out.append(one.case_id)
    if left_out:
        what = "left out, because no case of their folder has a lesion mask, and folder.healthy does not name them"
        log.warning("%s (%d): %s", what, len(left_out), first_names(left_out, 3))
