"""The promises of a dataset, one check each. A check raises an error that names the usual fix."""

from collections.abc import Callable, Iterable
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from uad_bench.data.nifti.lesions import read_lesions
from uad_bench.data.nifti.read import read_grid
from uad_bench.data.nifti.validation import check_ids as ids_are_sound
from uad_bench.errors import DataError
from uad_bench.plugins import NAME
from uad_bench.testing.candidate import DatasetCandidate, broken
from uad_bench.testing.method_checks import without_default
from uad_bench.types import Case


def check_name_and_modalities(candidate: DatasetCandidate) -> None:
    """The class declares its name and its modalities; options are dataclass fields with defaults."""
    cls = candidate.cls
    name, modalities = getattr(cls, "name", ""), getattr(cls, "modalities", ())
    if not NAME.fullmatch(name):
        raise broken(
            candidate.name, f"a name like {NAME.pattern}", repr(name), "set the class attribute `name`"
        )
    if not modalities or isinstance(modalities, str):
        fix = 'write modalities = ("t1", "t2")'
        raise broken(candidate.name, "a tuple of modalities", repr(modalities), fix)
    options: tuple[Field[Any], ...] = fields(cls) if is_dataclass(cls) else ()
    without = ", ".join(option.name for option in options if without_default(option))
    if without:
        raise broken(candidate.name, "options with defaults", f"none for {without}", "give them one")


def check_empty_folder(candidate: DatasetCandidate) -> None:
    """A folder without a case raises DataError instead of giving no cases: the path is probably wrong."""
    with TemporaryDirectory() as folder:
        try:
            found = list(candidate.new().discover(Path(folder)))
        except DataError:
            return
    fix = "raise DataError with the folder and the layout that was expected"
    raise broken(candidate.name, "a DataError for an empty folder", f"{len(found)} cases", fix)


def check_ids(candidate: DatasetCandidate) -> None:
    """Case ids are unique; case and subject ids are plain words that can name a folder."""
    ids_are_sound(candidate.cases)


def check_order(candidate: DatasetCandidate) -> None:
    """Cases are in the order of `case_id`, and the same at each discovery."""
    ids = [case.case_id for case in candidate.cases]
    if ids != sorted(ids):
        raise broken(candidate.name, "cases in the order of case_id", f"{ids[:3]}...", "sort before yielding")
    if _comparable(candidate.found) != _comparable(candidate.new().discover(candidate.folder)):
        fix = "let the result depend on the folder only"
        raise broken(candidate.name, "the same cases again", "others", fix)


def _comparable(found: Iterable[Case | DataError]) -> list[Case | str]:
    """What was found in a form that can be compared: errors by their text."""
    return [item if isinstance(item, Case) else str(item) for item in found]


def check_faults_say_where(candidate: DatasetCandidate) -> None:
    """What is yielded in place of a case is a DataError that names the case and what to do."""
    for item in candidate.found:
        if isinstance(item, Case):
            continue
        if not isinstance(item, DataError):
            fix = "yield DataError(what, where=case_id, hint=what to do)"
            raise broken(candidate.name, "a Case or a DataError", type(item).__name__, fix)
        if not (item.where and item.hint):
            fix = "give it `where`, the case, and `hint`, what to do"
            raise broken(candidate.name, "an error that states where and what to do", repr(str(item)), fix)


def check_folder_stays_untouched(candidate: DatasetCandidate) -> None:
    """`discover` writes nothing: a data folder may be read-only or shared."""
    before = _listing(candidate.folder)
    list(candidate.new().discover(candidate.folder))
    changed = before ^ _listing(candidate.folder)
    if changed:
        fix = "write nothing under the root"
        raise broken(candidate.name, "an untouched folder", f"{len(changed)} changes", fix)


def _listing(folder: Path) -> set[tuple[Path, int]]:
    return {(path, path.stat().st_mtime_ns) for path in folder.rglob("*")}


def check_files_exist(candidate: DatasetCandidate) -> None:
    """Every file of a case exists."""
    missing = [path for case in candidate.cases for path in _files(case) if not path.is_file()]
    if missing:
        fix = "yield only files that discover found"
        found = f"{len(missing)} missing, the first: {missing[0].name}"
        raise broken(candidate.name, "files that exist", found, fix)


def _files(case: Case) -> list[Path]:
    return [p for p in (*case.images.values(), case.lesion_mask, case.brain_mask) if p is not None]


def check_modalities_are_declared(candidate: DatasetCandidate) -> None:
    """Every case has an image, and modalities that the class declares only."""
    for case in candidate.cases:
        if not case.images or not set(case.images) <= set(candidate.cls.modalities):
            found = f"{', '.join(case.images) or 'none'} in {case.case_id}"
            fix = "leave out cases without an image, and declare every modality"
            raise broken(candidate.name, f"images of {', '.join(candidate.cls.modalities)}", found, fix)


def check_healthy_cases(candidate: DatasetCandidate) -> None:
    """A healthy case has no lesion mask or an empty one; any other case has a lesion mask."""
    for case in candidate.cases:
        if case.healthy and case.lesion_mask and _lesion(case.lesion_mask, case):
            fix = "set healthy=False"
            raise broken(candidate.name, "no lesion in a healthy case", f"one in {case.case_id}", fix)
        if not case.healthy and case.lesion_mask is None:
            fix = "give its mask, or yield a DataError"
            raise broken(candidate.name, "a lesion mask", f"none for {case.case_id}", fix)


def _lesion(path: Path, case: Case) -> bool:
    grid = read_grid(path, case.case_id, case.orientation)
    return bool(read_lesions(path, case, grid).array.any())


DATASET_CHECKS: tuple[Callable[[DatasetCandidate], None], ...] = (
    check_name_and_modalities,
    check_empty_folder,
    check_ids,
    check_order,
    check_faults_say_where,
    check_folder_stays_untouched,
    check_files_exist,
    check_modalities_are_declared,
    check_healthy_cases,
)
