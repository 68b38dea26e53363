"""One file of two columns of a case or of two subjects, as where a cell of a table was copied."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from uad_bench import Case
from uad_bench.errors import DataError

#: The store of git-annex, in which equal files, such as two empty lesion masks, are one.
ANNEX = f"{os.sep}annex{os.sep}objects{os.sep}"


def columns_of_one_file(files: Mapping[str, Path]) -> list[str]:
    """Two columns of a case with one file, else []. A stripped image may be its own brain mask."""
    seen: dict[str, str] = {}
    for word, path in files.items():
        if word != "brain_mask" and (first := seen.setdefault(os.path.realpath(path), word)) != word:
            return [first, word]
    return []


def without_shared_files(
    found: Sequence[Case | DataError], where: Mapping[str, str]
) -> Iterator[Case | DataError]:
    """The cases, with a DataError for each that has an image or a lesion mask of another subject (UB329).

    where: the place of each case in its table, by case id. Cases of one subject may share a file, and healthy
    cases an empty lesion mask.
    """
    owners: dict[str, dict[str, str]] = {}
    for case in found:
        if isinstance(case, Case):
            for word, path in _files(case):
                owners.setdefault(_identity(word, path), {}).setdefault(case.subject_id, case.case_id)
    for case in found:
        yield case if isinstance(case, DataError) else _fault(case, owners, where) or case


def _fault(case: Case, owners: Mapping[str, Mapping[str, str]], where: Mapping[str, str]) -> DataError | None:
    for word, path in _files(case):
        others = [
            other for subject, other in owners[_identity(word, path)].items() if subject != case.subject_id
        ]
        if others:
            what = f"the {word} file {path.name} is also that of {others[0]}, another subject"
            hint = "correct the path or the link, or leave one of the cases out"
            return DataError(what, where=where[case.case_id], hint=hint, code="UB329")
    return None


def _files(case: Case) -> Iterator[tuple[str, Path]]:
    """The images of a case, and its lesion mask where it has lesions, by their columns."""
    yield from case.images.items()
    if case.lesion_mask is not None and not case.healthy:
        yield "lesion_mask", case.lesion_mask


def _identity(word: str, path: Path) -> str:
    """The file behind a path; for lesion masks of git-annex the path, because its equal files are one."""
    real = os.path.realpath(path)
    return str(path.absolute()) if word == "lesion_mask" and ANNEX in real else real
