"""Files of scans grouped into cases, and what is wrong with a case.

The files of a BIDS session in one space are a case; of other names the files with one stem. Where these have several
files of a modality, each stem is a case of its own.
"""

import logging
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uad_bench.data.bids_entities import contradicts, name_tags
from uad_bench.data.nifti.validation import ID_PATTERN
from uad_bench.data.scan_names import (
    BRAIN_MASK,
    MODALITIES,
    Named,
    folders_of,
    session_of,
    space_of,
    subject_of,
)
from uad_bench.errors import DataError, UadError, UsageError
from uad_bench.support.text import words_of

log = logging.getLogger(__name__)

#: Words by which the folders of the files of one case may differ; also those of programs that make brain masks.
ROLE_WORDS = words_of(
    "image images scan scans mask masks brain brainmask brainmasks anat hd bet hdbet synthstrip robex deepbet"
) | set(MODALITIES)
#: Words of sequences, planes and registration, which may stand beside a modality.
SEQUENCE_WORDS = words_of(
    "mprage mpr tse fse se gre tfe ffe flash bravo spgr vista cube blade tirm space 2d 3d iso ax axial sag sagittal "
    "cor coronal tra weighted reg registered coreg coregistered native"
)


@dataclass(frozen=True)
class ScanFiles:
    """The files of one case by modality, and its `brain_mask`, if any. Both ids come from the names.

    fault: why the case cannot be used; other cases can.
    """

    case_id: str
    subject_id: str
    files: Mapping[str, Path]
    fault: UadError | None = None


@dataclass(frozen=True)
class Group:
    """Files of one case, by their names."""

    case_id: str
    members: Sequence[Named]

    @property
    def has_image(self) -> bool:
        """Whether it has more than brain masks."""
        return any(one.kind != BRAIN_MASK for one in self.members)

    def case(self) -> ScanFiles:
        """The case; two files of one kind are its fault (UB335)."""
        found: dict[str, Path] = {}
        fault = None
        for one in self.members:
            if one.of and BRAIN_MASK in found:
                continue
            if one.kind in found:
                first, second = (f"{path.parent.name}/{path.name}" for path in (found[one.kind], one.path))
                what = f"two {one.kind} files: {first} and {second}"
                hint = "leave one out, give them different names, or name each by itself with --id"
                fault = DataError(what, where=self.case_id, hint=hint, code="UB335")
            found[one.kind] = one.path
        return ScanFiles(self.case_id, subject_of(self.case_id), found, fault)


def groups_of(named: Iterable[Named]) -> list[Group]:
    """The files in groups, ordered by id."""
    sessions: dict[str, dict[str, list[Named]]] = {}
    for one in named:
        spaces = sessions.setdefault(session_of(one.stem), {})
        spaces.setdefault(space_of(one.stem), []).append(one)
    found = [group for session, spaces in sessions.items() for group in _in_session(session, spaces)]
    return sorted(found, key=lambda group: group.case_id)


def _in_session(session: str, spaces: Mapping[str, Sequence[Named]]) -> Iterator[Group]:
    """The groups of a session: each space, or each stem where a space has several files of a modality."""
    several = sum(Group("", members).has_image for members in spaces.values()) > 1
    if several:
        names = ", ".join(space or "that of the subject" for space in spaces)
        log.info("%s: files in different spaces are different cases: %s", session, names)
    for space, members in spaces.items():
        kinds = [(one.kind, one.of) for one in members]
        stems = dict.fromkeys(one.stem for one in members)
        if len(set(kinds)) < len(kinds):
            yield from (Group(stem, [one for one in members if one.stem == stem]) for stem in stems)
        elif several:
            yield Group(_id_in_space(session, space, members), members)
        else:
            yield Group(session, members)


def _id_in_space(session: str, space: str, members: Sequence[Named]) -> str:
    """The id of the files in one of several spaces: the stem of its images, where they have the same."""
    stems = {one.stem for one in members if one.kind != BRAIN_MASK}
    return stems.pop() if len(stems) == 1 else f"{session}_space-{space}" if space else session


def place_fault(case: ScanFiles, named: Collection[Path]) -> UadError | None:
    """Why the files of a case may be of two persons or sessions (UB329): by folders that contradict names, or by two
    folders that differ in more than modality. A brain mask in `named`, the paths of the user, may lie in any folder."""
    for path in case.files.values():
        if contradicts(name_tags(path.name), folders_of(path)[-3:]):  # sub-01/ses-1/anat
            what = f"the name and the folder of a file name two subjects or sessions: {_short([path])[0]}"
            hint = "move or rename the file; its scan may be of another person"
            return DataError(what, where=case.case_id, hint=hint, code="UB329")
    free = {case.files.get(BRAIN_MASK)}.intersection(named)
    places = {_place(path, case.case_id): path for path in case.files.values() if path not in free}
    if len(places) < 2:
        return None
    what = f"files of this id lie in different folders: {' and '.join(_short([*places.values()][:2]))}"
    hint = "put them in one folder or in folders named after modalities (T1, T2), or name them with --id"
    return DataError(what, where=case.case_id, hint=hint, code="UB329")


def _place(path: Path, case_id: str) -> tuple[str, ...]:
    """The folders of a file without words of its modality, up to a folder that is named as the case; of a BIDS name
    those above the subject's folder, because subject and session are compared by themselves."""
    folders = folders_of(path)
    bids = path.name.startswith("sub-")
    own = [i for i, one in enumerate(folders) if one == case_id or (bids and one.startswith("sub-"))]
    folders = folders[: own[-1]] if own else folders
    return tuple(place for folder in folders if (place := _without_role(folder)))


def _without_role(folder: str) -> str:
    """The words of a folder's name that do not say what kind of files it holds.

    >>> _without_role("Study-T1"), _without_role("T2w_TSE"), _without_role("brain_masks"), _without_role("space-1")
    ('study', '', '', 'space-1')
    """
    words = re.split(r"[^a-z0-9]+", re.sub(r"^anat\d+$", "anat", folder.lower()))
    left_out = ROLE_WORDS | (SEQUENCE_WORDS if ROLE_WORDS.intersection(words) else set())
    return "-".join(word for word in words if word not in left_out)


def _short(paths: Sequence[Path]) -> list[str]:
    """Paths below the folder that they share; one path with the three folders above it."""
    full = [Path(*folders_of(path), path.name) for path in paths]
    if len(full) == 1:
        return [str(Path(*full[0].parts[-4:]))]
    above = os.path.commonpath(full)
    return [str(path.relative_to(above)) for path in full]


def other_fault(case: ScanFiles, wanted: Sequence[str]) -> UadError | None:
    """Why a case cannot be used: its id (UB205), or a modality that is missing (UB332)."""
    if not ID_PATTERN.fullmatch(case.case_id):
        what = f"the id {case.case_id[:120]!r} cannot be used"
        hint = (
            "name the scan with --id, or rename the file: 1 to 100 letters of English, digits, '.', '_' or '-', "
            "a letter or a digit first"
        )
        return UsageError(what, where=next(iter(case.files.values())).name, hint=hint, code="UB205")
    missing = [name for name in wanted if name not in case.files]
    if missing:
        has = ", ".join(name for name in case.files if name != BRAIN_MASK)
        what = f"the model takes {', '.join(wanted)}, the scan has {has}: no {' and no '.join(missing)}"
        hint = "give the scan of that modality, or a model of another protocol"
        return DataError(what, where=case.case_id, hint=hint, code="UB332")
    return None
