"""The cases of a BIDS tree: a session is a case; images by suffix, masks next to them or in `derivatives`."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from uad_bench.data.bids_entities import NATIVE, contradicts, warn_of_flair
from uad_bench.data.scan_names import subject_of
from uad_bench.errors import DataError
from uad_bench.support.text import first_names
from uad_datasets.bids_masks import Masks
from uad_datasets.bids_names import (
    UNKNOWN_MASK,
    Name,
    is_anatomy,
    is_unread_image,
    parsed,
    what_is,
)
from uad_datasets.bids_people import facts_of
from uad_datasets.bids_places import Places
from uad_datasets.file_search import nifti_files, not_readable
from uad_datasets.folder_table import CaseEntry
from uad_datasets.pairing import Files, Pairing

log = logging.getLogger(__name__)

RUN = re.compile(r"_run-[^_]+")
SKIPPED = frozenset({"sourcedata", "code", "stimuli"})
LAYOUT = (
    "sub-01/anat/sub-01_T1w.nii.gz (T1w, T2w, FLAIR, PDw) and a mask sub-01_label-lesion_mask.nii.gz in that "
    "folder or in derivatives; files named space-TEMPLATE are read where entities have {space: TEMPLATE}"
)


@dataclass(frozen=True)
class Tree:
    """How a BIDS tree is read; the fields are the options of `FolderAdapter`."""

    entities: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    lesion_masks: tuple[str, ...] = ()
    ignore_masks: tuple[str, ...] = ()
    allow_other_mask_grid: bool = False
    last_run: bool = False


def read_tree(root: Path, tree: Tree) -> Iterator[CaseEntry | DataError]:
    """Each session as a CaseEntry, by case id (`sub-01_ses-1`), or as a DataError where it cannot be paired.

    A file without session in its name is of the session of its folder, if there is one. A mask without session is used
    for the sessions of its subject whose grid it is on. A session with a mask of unknown meaning, or with a lesion mask
    that is not read, is an error (UB333), and so is one with files of two trees, or with a file whose folder names
    another subject or session (UB329). Age, sex, site and so on are those of
    participants.tsv in the root. Raises as `Pairing.cases`.
    """
    pairing = Pairing(root, LAYOUT, choose="choose one with entities, for instance {acq: iso}")
    absent = set(not_readable(root, SKIPPED))
    masks, places = Masks(root=root.absolute().name), Places(root)
    paths = sorted([*nifti_files(root, SKIPPED), *absent])
    names = [parsed(path, path.relative_to(root).parts[:-1]) for path in paths if not is_unread_image(path)]
    names = _last_runs(names, root, absent, masks) if tree.last_run else names
    names = _with_entities(names, tree.entities)
    warn_of_flair([name.path.name for name in names])
    with_subject_first = sorted(names, key=lambda name: "sub" not in name.tags)
    for name in with_subject_first:
        path = name.path
        _assign(name, path.relative_to(root).parts[:-1], path in absent, tree, pairing, masks)
    masks.share(pairing, tree.allow_other_mask_grid)
    masks.say_nameless()
    for case_id, files in pairing.files.items():
        for what, path in files.items():
            places.put(case_id, what, path.relative_to(root).parts[:-1])
    places.warn_of_tables()
    facts = facts_of(root, tree.columns, set(map(subject_of, pairing.files)))

    def entry(case_id: str, files: Files) -> CaseEntry:
        places.check(case_id)
        masks.refuse_misplaced(case_id)
        masks.refuse_unread(case_id, files)
        subject = subject_of(case_id)
        return CaseEntry(case_id, subject, files, case_id, facts(subject))

    return pairing.cases(entry)


def _last_runs(names: Sequence[Name], root: Path, absent: set[Path], masks: Masks) -> list[Name]:
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
        masks.earlier.setdefault(name.case_id, set()).add(name.tags.get("run", ""))
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


def _run(name: Name) -> int:
    """The number of a run, 0 for a name without one."""
    text = name.tags.get("run", "")
    return int(text) if text.isdecimal() else 0


def _assign(
    found: Name, folders: tuple[str, ...], absent: bool, tree: Tree, pairing: Pairing, masks: Masks
) -> None:
    """Assign a file to its case; of files outside the anatomy, lesion masks are kept as unread masks.

    absent: its content is not fetched, or its format is not read.
    """
    what = what_is(
        found,
        derived="derivatives" in folders,
        lesion_masks=tree.lesion_masks,
        ignore_masks=tree.ignore_masks,
    )
    name = masks.name_of(found, what, folders) if what is not None else None
    if what is None or name is None or (absent and what not in {"lesion_mask", UNKNOWN_MASK}):
        return
    if masks.is_second(found, name, what, pairing):
        return
    wanted = _wanted(name, tree.entities) and is_anatomy(name, folders)
    if absent or not wanted or masks.is_of_earlier_run(name, what):
        if what == "lesion_mask" or (absent and wanted and what == UNKNOWN_MASK):
            masks.unread.setdefault(name.case_id, []).append(name.path)
    elif what == UNKNOWN_MASK:
        masks.unknown.setdefault(name.case_id, []).append(name.path)
    elif contradicts(name.tags, folders):
        masks.misplaced.setdefault(name.case_id, []).append("/".join((*folders, name.path.name)))
        pairing.put(name.case_id, what, name.path)
    elif what.endswith("mask") and "ses" not in name.tags:
        masks.shared.setdefault(name.case_id, []).append((what, name.path))
    else:
        pairing.put(name.case_id, what, name.path)


def _wanted(name: Name, entities: Mapping[str, str]) -> bool:
    space = name.tags.get("space", "")
    here = space == entities["space"] if "space" in entities else space in NATIVE
    return here and all(
        name.tags.get(key, value) == value for key, value in entities.items() if key != "space"
    )
