"""The cases of an nnU-Net dataset: images of one channel each, lesion masks in a folder beside them."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from uad_bench.errors import DataError
from uad_bench.support.text import first_names
from uad_datasets.folder_table import CaseEntry, is_file
from uad_datasets.nnunet_files import Found, find_cases
from uad_datasets.nnunet_json import NAME, Description, read_description
from uad_datasets.shared_files import columns_of_one_file
from uad_datasets.table_ids import person_of

log = logging.getLogger(__name__)


def read_nnunet(
    root: Path, columns: Mapping[str, str], without_mask: Callable[[CaseEntry], bool]
) -> list[CaseEntry | DataError]:
    """Each case as a CaseEntry, or as a DataError where its files do not make one.

    columns: the name or the number of a modality's channel, where the name does not say it. without_mask: whether to
    keep a case without lesion mask. Other such cases are an error beside cases with masks in the same folder (UB333),
    and left out, with a warning, where no case of their folder has one. A case is a subject of its own, unless its id
    names a session. Raises as `read_description` and `find_cases`.
    """
    described = read_description(root, columns)
    found = find_cases(root, described)
    ids = Counter(one.case_id for one in found if isinstance(one, Found))
    entries = [one if isinstance(one, DataError) else _entry(one, described, ids) for one in found]
    folders = {one.case_id: one.folder for one in found if isinstance(one, Found)}
    kept = _with_masks(entries, folders, without_mask)
    _say(root, described, [one for one in found if isinstance(one, Found)], kept)
    return kept


def _entry(one: Found, described: Description, ids: Mapping[str, int]) -> CaseEntry | DataError:
    files = {described.modalities[n]: path for n, path in one.images.items() if n in described.modalities}
    files |= {"lesion_mask": one.mask} if one.mask else {}
    fault = _fault(one, files, described, ids[one.case_id])
    if fault:
        what, hint, code = fault
        return DataError(what, where=f"{one.case_id}, {one.folder}", hint=hint, code=code)
    return CaseEntry(
        one.case_id, person_of(one.case_id), files, one.case_id, ignored_labels=described.ignored
    )


def _fault(
    one: Found, files: Mapping[str, Path], described: Description, cases: int
) -> tuple[str, str, str] | None:
    """The problem of a case, the remedy and the code; None for a valid case."""
    absent = [(what, path) for what, path in files.items() if not is_file(path)]
    foreign = [number for number in one.images if number not in described.names]
    if cases > 1:
        return f"{cases} cases have this id", "rename the files of one of them", "UB329"
    if absent:
        what, path = absent[0]
        code = "UB333" if what == "lesion_mask" else "UB332"
        return f"no such file: {what} {path}", "copy it again, or correct the link or the path", code
    if foreign:
        known = f"the channels are 0 to {max(described.names)}"
        return f"{NAME} has no channel {foreign[0]}", known, "UB332"
    if not set(files) - {"lesion_mask"}:
        return "no image of a channel that is read", "see the warning on channels", "UB332"
    if twice := columns_of_one_file(files):
        what = f"{twice[0]} and {twice[1]} are one file, {files[twice[0]].name}"
        return what, "correct one of the paths or links", "UB329"
    return None


def _with_masks(
    entries: Sequence[CaseEntry | DataError], folders: Mapping[str, str], keep: Callable[[CaseEntry], bool]
) -> list[CaseEntry | DataError]:
    """The entries without cases that have no lesion mask and are not kept; see `read_nnunet`."""
    cases = [one for one in entries if isinstance(one, CaseEntry)]
    with_masks = {folders[one.case_id] for one in cases if "lesion_mask" in one.files}
    kept, left_out = list[CaseEntry | DataError](), list[str]()
    for one in entries:
        if isinstance(one, DataError) or "lesion_mask" in one.files or keep(one):
            kept.append(one)
        elif (folder := folders[one.case_id]) in with_masks:
            what = f"no lesion mask, as other cases of {folder} have"
            hint = "copy the mask again, or name the case in folder.healthy if it is healthy"
            kept.append(DataError(what, where=one.case_id, hint=hint, code="UB333"))
        else:
            left_out.append(one.case_id)
    if left_out:
        what = "left out, because no case of their folder has a lesion mask, and folder.healthy does not name them"
        log.warning("%s (%d): %s", what, len(left_out), first_names(left_out, 3))
    return kept


def _say(
    root: Path, described: Description, found: Sequence[Found], kept: Sequence[CaseEntry | DataError]
) -> None:
    """Warn of what a user may read otherwise: subjects, labels, missing channels, the number of training cases."""
    alone = [one for one in kept if isinstance(one, CaseEntry) and one.case_id == one.subject_id]
    if alone:
        what = "%s: each case counts as a subject of its own (%d); where a person has several, use a table"
        log.warning(what, root, len(alone))
    if len(described.lesions) > 1:
        what = "%s: labels of %s above 0, which count as lesion unless folder.lesion_labels is set: %s"
        log.warning(what, root, NAME, ", ".join(described.lesions))
    if lacking := [one.case_id for one in found if len(one.images) < len(described.names)]:
        log.warning("%s: cases without all channels (%d): %s", root, len(lacking), first_names(lacking, 3))
    training = sum(one.folder in {"imagesTr", NAME} for one in found)
    if described.training not in (training, None):
        what = "%s: training cases: %d by numTraining of %s, %d found"
        log.warning(what, root, described.training, NAME, training)
