"""How the datasets of BraTS from 2023 on find their cases, once their edition is known."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from uad_bench import Case
from uad_bench.errors import DataError
from uad_datasets.brats.editions import MODALITIES, NAME, WHAT, Edition, edition_of, subject_of, which
from uad_datasets.file_search import nifti_files
from uad_datasets.pairing import Files, Pairing, images_of, need_lesion_mask

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Family:
    """The editions that one dataset reads.

    dataset: its name; names: the keys of `EDITIONS` of its cases; editions: labels by the year of the edition; tell:
    the year of a case by its id and a file, 0 where nothing tells it; layout: the expected layout.
    """

    dataset: str
    names: tuple[str, ...]
    editions: Mapping[int, Edition]
    tell: Callable[[str, Path], int]
    layout: str


@dataclass
class _Found:
    """Files of the wanted editions, and the cases that are not read, with the reason."""

    pairing: Pairing
    years: dict[str, int] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    foreign: dict[str, set[str]] = field(default_factory=dict)


def discover(root: Path, family: Family, edition: int | None) -> Iterator[Case | DataError]:
    """One case per folder; a DataError for one without tumour mask (UB333).

    edition: the year that the user named: cases of other years are left out, with a warning, and cases whose year is
    not told have this one; None: every year, and cases whose year is not told are an error (UB334). Cases of other
    editions of BraTS are an error that names their dataset (UB334). Raises as `Pairing.cases`.
    """
    found = _Found(Pairing(root, family.layout))
    for path in nifti_files(root):
        if match := NAME.fullmatch(path.name):
            _put(found, family, edition, match[1], WHAT[match[7].lower()], path)
    found.left_out -= found.pairing.files.keys()  # a case may be in the wanted edition as well
    if found.left_out:
        what = "%s: left out, because they are not of edition %s: %s, %s to %s"
        first, last = min(found.left_out), max(found.left_out)
        log.warning(what, root, edition, _cases(found.left_out), first, last)
    for case_id in found.twice:
        del found.pairing.files[case_id]
    faults = list(_faults(found, family))
    if faults and not found.pairing.files:
        return iter(faults)
    found.pairing.leave_out_hidden()

    def build(case_id: str, files: Files) -> Case:
        return make_case(family.dataset, case_id, files, family.editions[found.years[case_id]])

    return chain(found.pairing.cases(build), faults)


def _put(found: _Found, family: Family, edition: int | None, case_id: str, what: str, path: Path) -> None:
    """Assign a file to its case, or the case to those that are not read."""
    name = edition_of(case_id)
    if name not in family.names:
        found.foreign.setdefault(name, set()).add(case_id)
        return
    year = family.tell(case_id, path) or edition
    if not year:
        found.untold.add(case_id)
    elif edition and year != edition:
        found.left_out.add(case_id)
    elif found.years.setdefault(case_id, year) == year:
        found.pairing.put(case_id, what, path)
    else:
        found.twice.add(case_id)


def _faults(found: _Found, family: Family) -> Iterator[DataError]:
    name, years = family.dataset, " or ".join(map(str, family.editions))
    option = f"--set {name}.edition={years} (docs/datasets/{name}.md)"
    if found.untold:
        what = f"the names of the folders do not tell the edition of {_cases(found.untold)}"
        yield DataError(what, where=min(found.untold), hint=f"name it: {option}", code="UB334")
    if found.twice:
        what = f"in two editions: {_cases(found.twice)}"
        yield DataError(what, where=min(found.twice), hint=f"choose one: {option}", code="UB334")
    for edition, cases in sorted(found.foreign.items()):
        what = f"not of this dataset: {_cases(cases)} of BraTS {edition}"
        hint = f"{which([edition])}; leave them out of the root"
        yield DataError(what, where=min(cases), hint=hint, code="UB334")


def _cases(cases: Collection[str]) -> str:
    return "1 case" if len(cases) == 1 else f"{len(cases)} cases"


def make_case(dataset: str, case_id: str, files: Files, edition: Edition) -> Case:
    """The case of an edition with its labels. Raises DataError where it has no tumour mask (UB333)."""
    return Case(
        dataset=dataset,
        case_id=case_id,
        subject_id=subject_of(case_id),
        images=images_of(files, MODALITIES),
        healthy=False,
        lesion_mask=need_lesion_mask(case_id, files, "seg"),
        lesion_kind="tumour",
        lesion_labels=edition.lesion,
        ignored_labels=edition.ignored,
        known_labels=edition.known,
        stripped=edition.stripped,
    )
