"""Scans that a user names for a trained model: files and folders, grouped into cases by their names.

The modality of a file is the last word of its name (`sub-01_T2w.nii.gz`, `case-7_flair.nii.gz`), or what the user says.
A file whose last words are `brain_mask` or `brainmask` is the brain mask of its case. No lesion mask is read.
"""

import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from uad_bench.data.bids_entities import warn_of_flair
from uad_bench.data.scan_cases import Group, ScanFiles, groups_of, other_fault, place_fault
from uad_bench.data.scan_names import (
    BRAIN_MASK,
    DERIVED,
    EXTENSION,
    Named,
    parsed,
    session_of,
)
from uad_bench.data.unread_files import NIFTI, OTHER, as_texts
from uad_bench.errors import DataError, UsageError
from uad_bench.support.atomic_files import read_json
from uad_bench.support.text import first_names

log = logging.getLogger(__name__)

#: Folders of a BIDS tree that hold no scans as acquired.
NOT_RAW = frozenset({"derivatives", "sourcedata", "code", "stimuli"})


def find_scans(
    paths: Sequence[Path], wanted: Sequence[str], modality: str = "", case_id: str = ""
) -> list[ScanFiles]:
    """The cases of some files and folders, ordered by id; folders are searched with all that is below them.

    wanted: the modalities of the model; modality: of all images, whatever their names; case_id: the id of the only
    case, and that its files belong together. A case that lacks a modality (UB332), has two files of a modality
    (UB335), files in folders of other sessions or sites (UB329) or a name that cannot be an id (UB205) has this as
    its `fault`, which is raised where all cases have one. Raises UsageError for a path that does not exist, for a name
    that says another contrast than `modality`, for channels that no name tells apart (UB250), and for a file that names
    no modality (UB251); DataError where a folder has no scan (UB304) or cannot be listed (UB321).
    """
    named = [one for path in paths for one in _named(path, wanted, modality)]
    _refuse_channels(named)
    named += _masks_beside([one for one in named if one.path in paths], named)
    named = _without_other_masks(named, wanted)
    # A file that is named itself and found in a folder, too, is one file.
    files = list({one.path.absolute(): one for one in named}.values())
    groups = [Group(case_id, files)] if case_id and _are_one_case(files) else groups_of(files)
    _refuse_lone_masks(paths, [group for group in groups if not group.has_image])
    cases = [group.case() for group in groups if group.has_image]
    if case_id:  # the user says that the files are of one case, wherever they lie
        cases = [_with_id(cases, case_id)]
    else:
        cases = [replace(case, fault=case.fault or place_fault(case, paths)) for case in cases]
    return _with_faults(cases, wanted)


def _are_one_case(files: Sequence[Named]) -> bool:
    """Whether files may be of one case, whatever their names: no two are of one modality, or brain masks."""
    kinds = [(one.kind, one.of) for one in files]
    return len(set(kinds)) == len(kinds) > 0


def _without_other_masks(named: Sequence[Named], wanted: Sequence[str]) -> list[Named]:
    """The files without brain masks of modalities that the model does not take, of which each is a warning.

    Of several brain masks of a case that name a modality, the first is that of the model's first modality.
    """
    order = ["", *wanted]
    for one in named:
        if one.of not in order:
            what = "%s: the brain mask of a %s image, which the model does not take, is not used"
            log.warning(what, one.path.name, one.of)
    return sorted((one for one in named if one.of in order), key=lambda one: order.index(one.of))


def _with_faults(cases: Sequence[ScanFiles], wanted: Sequence[str]) -> list[ScanFiles]:
    """The cases, each with what is wrong with it. Raises the first fault where all have one; files of other
    modalities are counted in a message."""
    cases = [replace(case, fault=case.fault or other_fault(case, wanted)) for case in cases]
    if cases and cases[0].fault and all(case.fault for case in cases):
        raise cases[0].fault
    usable = [case.files for case in cases if not case.fault]
    unused = [files[kind].name for files in usable for kind in files if kind not in (*wanted, BRAIN_MASK)]
    if unused:
        log.info("%s", _not_used(unused, wanted))
    return cases


def _with_id(cases: Sequence[ScanFiles], case_id: str) -> ScanFiles:
    """The only case, with the id that the user gave."""
    if len(cases) != 1:
        what = f"--id names one case, and {len(cases)} were given"
        raise UsageError(what, hint="leave --id out: ids are those of the files", code="UB250")
    return replace(cases[0], case_id=case_id, subject_id=case_id)


def _named(path: Path, wanted: Sequence[str], modality: str) -> Iterator[Named]:
    """The files of one path that belong to cases."""
    if path.is_dir():
        yield from _in_folder(path, wanted, modality)
        return
    if not path.exists():
        raise UsageError(
            "no such file or folder", where=str(path), hint="give NIfTI files or folders of them"
        )
    one = parsed(path)
    if not NIFTI.fullmatch(path.name):
        hint = "convert it to .nii.gz, DICOM for instance with dcm2niix"
        raise DataError("not a NIfTI file", where=path.name, hint=hint, code="UB323")
    warn_of_flair([one.path.name])
    yield _as_said(one, wanted, modality)


def _as_said(one: Named, wanted: Sequence[str], modality: str) -> Named:
    """A file with the modality that the user gave; its name may say nothing, or the same."""
    if one.kind == BRAIN_MASK or (one.kind not in {"", DERIVED} and not modality):
        return one
    other = one.other_than(modality) if modality else one.kind
    if other and modality:
        what = f"--modality says {modality}, the name says {other}"
        hint = "correct the option, or rename the file"
        raise UsageError(what, where=one.path.name, hint=hint, code="UB250")
    if modality:
        return replace(one, kind=modality)
    hint = f"add --modality {wanted[0]} if it is one, or end its name in _{wanted[0]}"
    if other:
        hint = "give the scan itself, or rename the file and its folder if it is one"
    what = f"the name says {other or 'no modality'}"
    raise UsageError(what, where=one.path.name, hint=hint, code="UB251")


def _in_folder(folder: Path, wanted: Sequence[str], modality: str) -> list[Named]:
    """The scans below a folder. What is not used is counted in a message."""
    paths = sorted(_walk(folder))
    for line in as_texts(
        {"other": [path.relative_to(folder) for path in paths if OTHER.fullmatch(path.name)]}
    ):
        log.warning("%s: %s", folder.name, line)
    found = [parsed(path) for path in paths if NIFTI.fullmatch(path.name)]
    warn_of_flair([one.path.name for one in found])
    if modality:
        found = [one if one.other_than(modality) else replace(one, kind=modality) for one in found]
        named = [one.path.name for one in found if one.kind == modality]
        log.info("%s: %d scans: %s", folder.name, len(named), first_names(named, 20))
    used = [one for one in found if one.kind in (*wanted, BRAIN_MASK)]
    if not any(one.kind != BRAIN_MASK for one in used):
        others = f"; of its {len(found)} NIfTI files none says so in its name" if found else ""
        if found and all(one.kind == DERIVED for one in found):
            others = f"; its {len(found)} NIfTI files are masks or maps, by their names or folders"
        hint = f"end the names in _{wanted[0]}"
        if not modality and not all(one.kind for one in found):
            hint += f", or add --modality {wanted[0]}"
        what = f"no {' or '.join(wanted)} image in the folder{others}"
        raise DataError(what, where=str(folder), hint=hint, code="UB304")
    unused = [one.path.name for one in found if one not in used]
    if unused:
        log.info("%s: %s", folder.name, _not_used(unused, wanted))
    return used


def _not_used(names: Sequence[str], wanted: Sequence[str]) -> str:
    files = f"{len(names)} NIfTI files are not used: {first_names(names, 3)}"
    return f"{files} (the model takes {', '.join(wanted)})"


def _refuse_channels(named: Sequence[Named]) -> None:
    """Raise UsageError (UB250) for channels of one scan (`a_0000`, `a_0001`), whose modalities no name says.

    Numbers of scans may look like those of channels: these are few, and begin with 0000 or lie in a folder `imagesTr`.
    """
    channels: dict[tuple[Path, str], dict[str, Path]] = {}
    for one in named:
        if match := re.fullmatch(r"(.+)_(\d{4})", EXTENSION.sub("", one.path.name)):
            channels.setdefault((one.path.parent, match[1]), {})[match[2]] = one.path
    for (folder, _), found in channels.items():
        few = len(found) > 1 and max(found) < "0010"
        if few and ("0000" in found or re.fullmatch("images(Tr|Ts|Val)", folder.name)):
            names = first_names([path.name for path in found.values()], 3)
            what = f"channels of one scan, and no name says their modalities: {names}"
            hint = "name the files of one channel one by one; rename them if they are different scans"
            raise UsageError(what, where=folder.name, hint=hint, code="UB250")


def _masks_beside(images: Sequence[Named], named: Sequence[Named]) -> Iterator[Named]:
    """The brain masks in the folders of files that the user names, by the name of their image, unless others are given.

    So a file has the same brain mask whether it or its folder is named. A mask by the name of the session alone may
    belong to another image: it is said and not used.
    """
    given = {one.stem for one in named if one.kind == BRAIN_MASK}
    masks = {folder: _masks_in(folder) for folder in {one.path.parent for one in images}}
    for image in images:
        if image.kind == BRAIN_MASK or given & {image.stem, session_of(image.stem)}:
            continue
        for mask in masks[image.path.parent]:
            if mask.stem == image.stem and mask.of in ("", image.kind):
                yield mask
            elif mask.stem == session_of(image.stem) and mask.of in ("", image.kind):
                what = "%s: the brain mask beside it, %s, may be of another image and is not used"
                log.warning(f"{what}: --brain-mask names it", image.path.name, mask.path.name)


def _masks_in(folder: Path) -> list[Named]:
    try:
        found = [parsed(path) for path in sorted(folder.iterdir()) if NIFTI.fullmatch(path.name)]
    except OSError as error:
        log.warning("%s cannot be listed (%s): no brain mask is taken from it", folder, error.strerror)
        return []
    return [one for one in found if one.kind == BRAIN_MASK]


def _refuse_lone_masks(paths: Sequence[Path], groups: Sequence[Group]) -> None:
    """Warn of brain masks without an image. Raise UsageError (UB250) for one that the user names itself."""
    for one in [one for group in groups for one in group.members]:
        if one.path in paths:
            hint = "give it the name of its image, but _brain_mask at the end, or name it with --brain-mask"
            raise UsageError("a brain mask without an image", where=one.path.name, hint=hint, code="UB250")
        log.warning("%s: a brain mask without an image is not used", one.path.name)


def _walk(folder: Path) -> Iterator[Path]:
    """The files below a folder, links to folders included. Each folder is read once, by its first path, so that a
    link to a folder above ends."""
    met: set[tuple[int, int]] = set()
    for here, folders, names in os.walk(folder, onerror=_unlisted, followlinks=True):
        at = Path(here).stat()
        if (at.st_dev, at.st_ino) in met:
            folders[:] = []
            continue
        met.add((at.st_dev, at.st_ino))
        if Path(here) != folder and _is_derivative(Path(here)):
            log.info("%s: maps and other derivatives, no scans are taken from it", here)
            folders[:] = []
            continue
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in NOT_RAW)
        yield from (Path(here, name) for name in names if name[0] != ".")


def _is_derivative(folder: Path) -> bool:
    """Whether a folder is a BIDS derivative dataset, as `predict` itself writes it."""
    about = read_json(folder / "dataset_description.json")
    return isinstance(about, dict) and about.get("DatasetType") == "derivative"


def _unlisted(error: OSError) -> None:
    """Raise DataError for a folder that cannot be listed (UB321): its scans would be left out without a trace."""
    what = f"a folder cannot be listed: {error.strerror}"
    hint = "allow it to be read, or name the other folders one by one"
    raise DataError(what, where=str(error.filename), hint=hint, code="UB321") from error
