"""The masks of a BIDS tree that are of several cases or are not read: no patient becomes healthy by them."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from uad_bench.data.bids_entities import KEYED, folder_tags
from uad_bench.data.nifti.orientation import TOLERANCE
from uad_bench.data.nifti.read import offset_voxels, read_grid
from uad_bench.data.scan_names import subject_of
from uad_bench.data.unread_files import OTHER
from uad_bench.errors import DataError, UadError
from uad_bench.support.text import first_names
from uad_datasets.bids_names import IMAGES, UNKNOWN_MASK, Name
from uad_datasets.pairing import Files, Pairing

log = logging.getLogger(__name__)

NAME_IT = "name it with folder.lesion_masks=[{0}], or with folder.ignore_masks=[{0}] if it shows no lesion"

SESSION_UNKNOWN = (
    "its name has no session, its subject has several, and it is on another grid",
    "add the session to its name, or name it with ignore_masks",
)


@dataclass
class Masks:
    """Masks by case or subject: shared by all sessions; of unknown meaning; lesion masks that are not read.

    earlier: by case, the runs of images that are not read: a mask that may belong to them is not read either.
    misplaced: files whose folder names another subject or session. nameless: lesion masks of no subject.
    of_sessions: lesion masks without session on another grid, of which the session is not known. second: lesion masks
    without subject in their name, of cases that have one with it. root: the name of the root, which may be a subject's.
    """

    shared: dict[str, list[tuple[str, Path]]] = field(default_factory=dict)
    unknown: dict[str, list[Path]] = field(default_factory=dict)
    unread: dict[str, list[Path]] = field(default_factory=dict)
    earlier: dict[str, set[str]] = field(default_factory=dict)
    misplaced: dict[str, list[str]] = field(default_factory=dict)
    nameless: list[str] = field(default_factory=list)
    of_sessions: set[Path] = field(default_factory=set)
    second: list[str] = field(default_factory=list)
    root: str = ""

    def name_of(self, name: Name, what: str, folders: Sequence[str]) -> Name | None:
        """The name of a file, with the subject and session of its folders where it names no subject; else None.

        Of files without a subject in their name, lesion masks are read, and masks of unknown meaning next to the
        images: FreeSurfer and FSL write many others elsewhere.
        """
        if "sub" in name.tags:
            return name
        last = folders[-1] if folders and "derivatives" not in folders else ""
        beside = last == "anat" or KEYED.fullmatch(last) is not None
        if what != "lesion_mask" and not (what == UNKNOWN_MASK and beside):
            return None
        if "sub" in (tags := folder_tags((self.root, *folders))):
            return Name(name.path, {**tags, **name.tags}, name.words, name.last)
        if what == "lesion_mask":
            self.nameless.append("/".join((*folders, name.path.name)))
        return None

    def is_second(self, found: Name, name: Name, what: str, pairing: Pairing) -> bool:
        """Whether a mask without subject in its name, `found`, is of a case that has such a mask; it is not read."""
        here = {*pairing.files.get(name.case_id, ()), *(one for one, _ in self.shared.get(name.case_id, ()))}
        if "sub" in found.tags or what not in here:
            return False
        self.second.append(f"{name.case_id}: {found.path.parent.name}/{found.path.name}")
        return True

    def is_of_earlier_run(self, name: Name, what: str) -> bool:
        """Whether a mask belongs to a run that is not read; one without run may show it."""
        earlier = self.earlier.get(name.case_id, set())
        unsaid = {""} if earlier and what != "brain_mask" else set()
        return what.endswith("mask") and name.tags.get("run", "") in earlier | unsaid

    def say_nameless(self) -> None:
        """Warn of lesion masks that are of no case, or the second of one."""
        if self.nameless:
            what = "lesion masks without a subject in name and folder are not read (%d): %s"
            log.warning(what, len(self.nameless), first_names(self.nameless, 3))
        if self.second:
            what = "lesion masks beside one that names its subject are not read (%d): %s"
            log.warning(what, len(self.second), first_names(self.second, 3))

    def share(self, pairing: Pairing, allow_other_mask_grid: bool) -> None:
        """Assign masks without session to the sessions of their subject that have no such mask and the same grid.

        A mask of the only session may be on another grid, where the option allows it.
        """
        for subject, found in self.shared.items():
            sessions = [case_id for case_id in pairing.files if subject_of(case_id) == subject] or [subject]
            own = {case_id: set(pairing.files.get(case_id, {})) for case_id in sessions}
            only = allow_other_mask_grid and len(sessions) == 1
            for what, path in found:
                for case_id in (one for one in sessions if what not in own[one]):
                    if case_id == subject or only or _fits(path, pairing.files[case_id]):
                        pairing.put(case_id, what, path)
                    else:
                        self._leave_out(case_id, what, path, allow_other_mask_grid)

    def _leave_out(self, case_id: str, what: str, path: Path, allow_other_mask_grid: bool) -> None:
        """Note a lesion mask that may be of another session; warn of a brain mask on another grid."""
        if what == "lesion_mask":
            self.unread.setdefault(case_id, []).append(path)
            self.of_sessions.update([path] if allow_other_mask_grid else [])
        elif allow_other_mask_grid:
            said = (
                "%s: a brain mask without session on another grid is not read; there are several sessions: %s"
            )
            log.warning(said, case_id, path.name)

    def refuse_misplaced(self, case_id: str) -> None:
        """Raise DataError for a file of the case whose folder names another subject or session (UB329)."""
        if found := self.misplaced.get(case_id):
            what = f"the name and the folder of a file name two subjects or sessions: {first_names(found)}"
            hint = "move or rename the file; its scan may be of another person"
            raise DataError(what, where=case_id, hint=hint, code="UB329")

    def refuse_unread(self, case_id: str, files: Files) -> None:
        """Raise DataError for a mask of the case that is not read and may show lesions (UB333)."""
        ids = dict.fromkeys([case_id, subject_of(case_id)])
        unknown = [path for one in ids for path in self.unknown.get(one, ())]
        if unknown:
            what = f"it is not declared what this mask shows: {_names(unknown)}"
            hint = NAME_IT.format(_ending(unknown[0]))
            raise DataError(what, where=case_id, hint=hint, code="UB333")
        unread = [path for one in ids for path in self.unread.get(one, ())]
        if unread and "lesion_mask" not in files:
            why, hint = SESSION_UNKNOWN if unread[0] in self.of_sessions else _reason(unread[0])
            what = f"a mask that may show lesions is not read ({why}): {_names(unread)}"
            raise DataError(what, where=case_id, hint=hint, code="UB333")


def _names(paths: Iterable[Path]) -> str:
    return first_names([path.name for path in paths])


def _ending(path: Path) -> str:
    """The end of a mask's name, for options: its last word, or the last two where it ends like an image."""
    words = path.name.partition(".")[0].split("_")
    return "_".join(words[-2:] if words[-1].lower() in IMAGES else words[-1:])


def _reason(path: Path) -> tuple[str, str]:
    """Why a lesion mask is not read, and the remedy."""
    if OTHER.fullmatch(path.name):
        hint = "convert it to .nii.gz, for instance with mri_convert, or name it with ignore_masks"
        return "its format is not supported", hint
    hint = "fetch it, choose its entities, set allow_other_mask_grid, or name it with ignore_masks"
    why = "its content is not fetched" if not path.exists() else "another grid, space, run or entity"
    return why, hint


def _fits(mask: Path, files: Files) -> bool:
    """Whether a mask is on the grid of an image of a session; True for an unreadable header, reported on reading."""
    images = [path for what, path in files.items() if not what.endswith("mask")]
    try:
        own = read_grid(mask, mask.name)
        return any(offset_voxels(own, read_grid(path, path.name)) <= TOLERANCE for path in images)
    except UadError:
        return True
