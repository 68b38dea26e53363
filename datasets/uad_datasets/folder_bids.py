"""The cases of a BIDS tree: a session is a case; images by suffix, masks next to them or in `derivatives`."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from uad_bench.data.nifti.orientation import TOLERANCE
from uad_bench.data.nifti.read import offset_voxels, read_grid
from uad_bench.errors import DataError, UadError
from uad_bench.support.text import first_names
from uad_datasets.bids_names import (
    UNKNOWN_MASK,
    Name,
    is_anatomy,
    is_flair_by_acquisition,
    is_unread_image,
    parsed,
    what_is,
)
from uad_datasets.bids_people import facts_of
from uad_datasets.bids_places import Places, contradicts
from uad_datasets.file_search import nifti_files, not_readable
from uad_datasets.folder_table import CaseEntry
from uad_datasets.pairing import Files, Pairing

log = logging.getLogger(__name__)

#: Spaces of the subject itself. Files in any other space are on the grid of a template.
NATIVE = frozenset({"", "orig", "individual", "scanner", "T1w", "T2w", "FLAIR", "PDw"})
RUN = re.compile(r"_run-[^_]+")
SKIPPED = frozenset({"sourcedata", "code", "stimuli"})
LAYOUT = (
    "sub-01/anat/sub-01_T1w.nii.gz (T1w, T2w, FLAIR, PDw) and a mask sub-01_label-lesion_mask.nii.gz in that "
    "folder or in derivatives; files named space-TEMPLATE are read where entities have {space: TEMPLATE}"
)
NAME_IT = "name it with folder.lesion_masks=[{0}], or with folder.ignore_masks=[{0}] if it shows no lesion"


@dataclass(frozen=True)
class Tree:
    """How a BIDS tree is read; the fields are the options of `FolderAdapter`."""

    entities: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    lesion_masks: tuple[str, ...] = ()
    ignore_masks: tuple[str, ...] = ()
    allow_other_mask_grid: bool = False
    last_run: bool = False


@dataclass
class _Masks:
    """Masks by case or subject: shared by all sessions; of unknown meaning; lesion masks that are not read.

    earlier: by case, the runs of images that are not read: a mask that may belong to them is not read either.
    misplaced: files whose folder names another subject or session.
    """

    shared: dict[str, list[tuple[str, Path]]] = field(default_factory=dict)
    unknown: dict[str, list[Path]] = field(default_factory=dict)
    unread: dict[str, list[Path]] = field(default_factory=dict)
    earlier: dict[str, set[str]] = field(default_factory=dict)
    misplaced: dict[str, list[str]] = field(default_factory=dict)


def read_tree(root: Path, tree: Tree) -> Iterator[CaseEntry | DataError]:
    """Each session as a CaseEntry, by case id (`sub-01_ses-1`), or as a DataError where it cannot be paired.

    A file without session in its name is of the session of its folder, if there is one. A mask without session is used
    for the sessions of its subject whose grid it is on. A session with a mask of unknown meaning, or with a lesion mask
    that is not read, is an error (UB333), and so is one with images of two trees, or with a file whose folder names
    another subject or session (UB329). Age, sex, site and so on are those of
    participants.tsv in the root. Raises as `Pairing.cases`.
    """
    pairing = Pairing(root, LAYOUT, choose="choose one with entities, for instance {acq: iso}")
    masks, places, absent = _Masks(), Places(root), set(not_readable(root, SKIPPED))
    paths = sorted([*nifti_files(root, SKIPPED), *absent])
    names = [parsed(path, path.relative_to(root).parts[:-1]) for path in paths if not is_unread_image(path)]
    names = _last_runs(names, root, absent, masks) if tree.last_run else names
    names = _with_entities(names, tree.entities)
    _warn_flair(names)
    for name in names:
        path = name.path
        if "sub" in name.tags:
            _assign(name, path.relative_to(root).parts[:-1], path in absent, tree, pairing, masks)
    _share(pairing, masks, tree)
    for case_id, files in pairing.files.items():
        for what in files.keys() - {"lesion_mask", "brain_mask"}:
            places.put(case_id, what, files[what].relative_to(root).parts[:-1])
    places.warn_of_tables()
    facts = facts_of(root, tree.columns, {case_id.partition("_")[0] for case_id in pairing.files})

    def entry(case_id: str, files: Files) -> CaseEntry:
        subject = case_id.partition("_")[0]
        places.check(case_id)
        _refuse_misplaced(case_id, masks)
        _refuse_unread(case_id, subject, files, masks)
        return CaseEntry(case_id, subject, files, case_id, facts(subject))

    return pairing.cases(entry)


def _last_runs(names: Sequence[Name], root: Path, absent: set[Path], masks: _Masks) -> list[Name]:
    """The names without those of the anatomy of which the same folder has a later run, with one warning.

    A run whose content is not fetched is later than none. The earlier runs of images are noted in `masks`.
    """
    last: dict[tuple[Path, str], Name] = {}
    anatomy, others = list[Name](), list[Name]()
    for name in names:
        (anatomy if is_anatomy(name, name.path.relative_to(root).parts[:-1]) else others).append(name)
    for name in anatomy:
        key = name.path.parent, RUN.sub("", name.path.name)
        if key not in last or _lateness(name, absent) > _lateness(last[key], absent):
            last[key] = name
    kept = {name.path for name in last.values()}
    left_out = [name for name in anatomy if name.path not in kept]
    for name in left_out:
        masks.earlier.setdefault(_case_id(name), set()).add(name.tags.get("run", ""))
    if left_out:
        found = first_names([name.path.name for name in left_out], 3)
        log.warning(
            "other runs of an image than the last fetched one are not read (%d): %s", len(left_out), found
        )
    return [*others, *last.values()]


def _with_entities(names: Sequence[Name], entities: Mapping[str, str]) -> list[Name]:
    """The names without those that lack an entity where the same folder has such a name with the value that is set."""
    keys = [key for key in entities if key != "space"]

    def rest(name: Name) -> tuple[Path, str]:
        return name.path.parent, re.sub(rf"_({'|'.join(map(re.escape, keys))})-[^_.]+", "", name.path.name)

    def number(name: Name) -> int:
        return sum(name.tags.get(key) == entities[key] for key in keys)

    if not keys:
        return list(names)
    most: dict[tuple[Path, str], int] = {}
    wanted = [name for name in names if _wanted(name, entities)]
    for name in wanted:
        most[rest(name)] = max(number(name), most.get(rest(name), 0))
    less = {name.path for name in wanted if number(name) < most[rest(name)]}
    if less:
        found = first_names(sorted(path.name for path in less), 3)
        log.warning("files without an entity beside the same with it are not read (%d): %s", len(less), found)
    return [name for name in names if name.path not in less]


def _lateness(name: Name, absent: set[Path]) -> tuple[bool, int]:
    return name.path not in absent, _run(name)


def _case_id(name: Name) -> str:
    return "_".join(f"{key}-{name.tags[key]}" for key in ("sub", "ses") if key in name.tags)


def _run(name: Name) -> int:
    """The number of a run, 0 for a name without one."""
    text = name.tags.get("run", "")
    return int(text) if text.isdecimal() else 0


def _warn_flair(names: Sequence[Name]) -> None:
    """Warn of T2w files that are read as FLAIR because of their acquisition."""
    found = [name.path.name for name in names if is_flair_by_acquisition(name)]
    if found:
        log.warning("T2w files with acq-FLAIR are read as flair (%d): %s", len(found), first_names(found, 3))


def _assign(
    name: Name, folders: tuple[str, ...], absent: bool, tree: Tree, pairing: Pairing, masks: _Masks
) -> None:
    """Assign a file to its case; of files outside the anatomy, lesion masks are kept as unread masks."""
    what = what_is(
        name,
        derived="derivatives" in folders,
        lesion_masks=tree.lesion_masks,
        ignore_masks=tree.ignore_masks,
    )
    case_id = _case_id(name)
    if what is None or (absent and what not in {"lesion_mask", UNKNOWN_MASK}):
        return
    earlier = masks.earlier.get(case_id, set())
    unsaid = (
        {""} if earlier and what != "brain_mask" else set()
    )  # a mask without run may show the earlier run
    of_earlier = what.endswith("mask") and name.tags.get("run", "") in earlier | unsaid
    if absent or of_earlier or not (_wanted(name, tree.entities) and is_anatomy(name, folders)):
        if what == "lesion_mask" or (absent and what == UNKNOWN_MASK):
            masks.unread.setdefault(case_id, []).append(name.path)
    elif what == UNKNOWN_MASK:
        masks.unknown.setdefault(case_id, []).append(name.path)
    elif contradicts(name.tags, folders):
        masks.misplaced.setdefault(case_id, []).append("/".join((*folders, name.path.name)))
        pairing.put(case_id, what, name.path)
    elif what.endswith("mask") and "ses" not in name.tags:
        masks.shared.setdefault(case_id, []).append((what, name.path))
    else:
        pairing.put(case_id, what, name.path)


def _wanted(name: Name, entities: Mapping[str, str]) -> bool:
    space = name.tags.get("space", "")
    here = space == entities["space"] if "space" in entities else space in NATIVE
    return here and all(
        name.tags.get(key, value) == value for key, value in entities.items() if key != "space"
    )


def _share(pairing: Pairing, masks: _Masks, tree: Tree) -> None:
    """Assign masks without session to each session of their subject that has no such mask and the same grid."""
    for subject, found in masks.shared.items():
        sessions = [case_id for case_id in pairing.files if case_id.partition("_")[0] == subject] or [subject]
        own = {case_id: set(pairing.files.get(case_id, {})) for case_id in sessions}
        for what, path in found:
            for case_id in (one for one in sessions if what not in own[one]):
                if case_id == subject or tree.allow_other_mask_grid or _fits(path, pairing.files[case_id]):
                    pairing.put(case_id, what, path)
                elif what == "lesion_mask":
                    masks.unread.setdefault(case_id, []).append(path)


def _fits(mask: Path, files: Files) -> bool:
    """Whether a mask is on the grid of an image of a session; True for an unreadable header, reported on reading."""
    images = [path for what, path in files.items() if not what.endswith("mask")]
    try:
        own = read_grid(mask, mask.name)
        return any(offset_voxels(own, read_grid(path, path.name)) <= TOLERANCE for path in images)
    except UadError:
        return True


def _refuse_misplaced(case_id: str, masks: _Masks) -> None:
    """Raise DataError for a file of the case whose folder names another subject or session (UB329)."""
    if found := masks.misplaced.get(case_id):
        what = f"the name and the folder of a file name two subjects or sessions: {first_names(found)}"
        hint = "move or rename the file; its scan may be of another person"
        raise DataError(what, where=case_id, hint=hint, code="UB329")


def _refuse_unread(case_id: str, subject: str, files: Files, masks: _Masks) -> None:
    """Raise DataError for a mask of the case that is not read and may show lesions (UB333)."""
    ids = dict.fromkeys([case_id, subject])
    unknown = [path for one in ids for path in masks.unknown.get(one, ())]
    if unknown:
        what = f"it is not declared what this mask shows: {first_names([path.name for path in unknown])}"
        hint = NAME_IT.format(unknown[0].name.partition(".")[0].rpartition("_")[2])
        raise DataError(what, where=case_id, hint=hint, code="UB333")
    unread = [path for one in ids for path in masks.unread.get(one, ())]
    if unread and "lesion_mask" not in files:
        why = "its content is not fetched" if not unread[0].exists() else "another grid, space, run or entity"
        what = f"a lesion mask is not read ({why}): {first_names([path.name for path in unread])}"
        hint = "fetch it, choose its entities, set allow_other_mask_grid, or name it with ignore_masks"
        raise DataError(what, where=case_id, hint=hint, code="UB333")
