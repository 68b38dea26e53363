"""The user's own scans, described by a table, a BIDS tree or an nnU-Net dataset."""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar, TypeVar

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError, UsageError, unknown_name
from uad_bench.support.deprecation import renamed_fields
from uad_datasets.bids_groups import group_word
from uad_datasets.demographics import FALSE, MISSING, TRUE, age_of, sex_of
from uad_datasets.folder_bids import Tree, read_tree
from uad_datasets.folder_nnunet import read_nnunet
from uad_datasets.folder_table import FACTS, FILES, MODALITIES, CaseEntry, read_table
from uad_datasets.shared_files import without_shared_files
from uad_datasets.table_ids import IDS

log = logging.getLogger(__name__)

Fact = TypeVar("Fact")
#: Options that only the reading of a BIDS tree has.
TREE_OPTIONS = ("entities", "lesion_masks", "ignore_masks", "last_run")
#: Ages and sexes in public tables that give no single value: ranges, upper limits, other.
AMBIGUOUS = re.compile(r"(?i)\d+ ?[-–] ?\d+|\d+ ?\+|[<>]=? ?\d+|o|other|x|diverse|nonbinary|non-binary")


@renamed_fields(mask_cut="mask_threshold", masks_apart="allow_other_mask_grid")
@dataclass
class FolderAdapter(DatasetAdapter):
    """A table with one row per case, a BIDS tree or an nnU-Net dataset; docs/datasets/folder.md describes them.

    Options:
        table: CSV or TSV file, relative to the root.
        columns: names of the columns in the table (or participants.tsv) that differ from case_id, subject_id, t1,
            t1ce, t2, flair, pd, lesion_mask, brain_mask, healthy, site, scanner, age, sex, lesion_kind. Of an nnU-Net
            dataset: names or numbers of the channels of modalities.
        bids: read a BIDS tree in place of a table.
        nnunet: read an nnU-Net dataset (imagesTr, labelsTr, dataset.json) in place of a table.
        entities: only files of a BIDS tree with these entities (`{acq: iso}`).
        lesion_masks: names or patterns of masks in a BIDS tree that show lesions.
        ignore_masks: names or patterns of masks in a BIDS tree that are not read.
        healthy: ids of cases or subjects that are healthy, or patterns of them; false, if cases that are not
            declared healthy have lesions; true declares nothing.
        lesion_kind: kind of the lesions, such as ms, of cases that have no value in this column.
        lesion_labels: values of the lesion mask that are lesion; empty for all above 0 that are not ignored.
        ignored_labels: values of the lesion mask that are neither lesion nor healthy tissue.
        last_run: of several runs of an image in a BIDS tree, only the last one is read.

    The other options are as in `Case`, for all cases.
    """

    name: ClassVar[str] = "folder"
    modalities: ClassVar[tuple[str, ...]] = MODALITIES
    about: ClassVar[str] = (
        "your own scans, by a CSV table, a BIDS tree or an nnU-Net dataset; docs/datasets/folder.md"
    )

    table: str = "cases.csv"
    columns: dict[str, str | int] = field(default_factory=dict)
    bids: bool = False
    nnunet: bool = False
    entities: dict[str, str] = field(default_factory=dict)
    lesion_masks: tuple[str, ...] = ()
    ignore_masks: tuple[str, ...] = ()
    healthy: bool | tuple[str, ...] | None = None
    stripped: bool | None = None
    lesion_kind: str = ""
    lesion_labels: tuple[int, ...] = ()
    ignored_labels: tuple[int, ...] = ()
    mask_threshold: float | None = None
    allow_other_mask_grid: bool = False
    last_run: bool = False

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per row, session or nnU-Net case; a DataError with its place for each that is not a valid case.

        Raises UsageError for an unknown key of `columns` (UB201), for two layouts and for an option of another layout
        (UB200), DataError where there is no table, no BIDS subject, no dataset.json or no row (UB334).
        """
        known = MODALITIES if self.nnunet else (*IDS, *FILES, *FACTS)
        for key in self.columns:
            if key not in known:
                raise unknown_name("key of columns", key, known)
        found = self._read(root)
        entries = sorted((e for e in found if isinstance(e, CaseEntry)), key=lambda entry: entry.case_id)
        faults = [fault for fault in found if isinstance(fault, DataError)]
        checked = without_shared_files(
            [self._checked(entry) for entry in entries], {entry.case_id: entry.where for entry in entries}
        )
        return iter([*checked, *faults])

    def _read(self, root: Path) -> list[CaseEntry | DataError]:
        """What the table, the BIDS tree or the nnU-Net dataset describes."""
        columns = {key: str(name) for key, name in self.columns.items()}  # a number names a channel
        if self.bids and self.nnunet:
            what = "folder.bids and folder.nnunet exclude each other"
            raise UsageError(what, hint="set one of them", code="UB200")
        of_trees = [name for name in TREE_OPTIONS if getattr(self, name)]
        if of_trees and not self.bids:
            what = f"folder.{of_trees[0]} is an option of BIDS trees alone"
            raise UsageError(what, hint="remove it, or set folder.bids=true", code="UB200")
        if self.nnunet:
            return read_nnunet(
                root, columns, lambda entry: bool(self._listed(entry)) or self.healthy is False
            )
        if not self.bids:
            return read_table(root / Path(self.table).expanduser(), columns)
        tree = Tree(
            self.entities,
            columns,
            self.lesion_masks,
            self.ignore_masks,
            self.allow_other_mask_grid,
            self.last_run,
        )
        return list(read_tree(root, tree))

    def _checked(self, entry: CaseEntry) -> Case | DataError:
        try:
            return self._case(entry)
        except ValueError as error:
            hint = "correct the cell, or leave it empty"
            return DataError(str(error), where=entry.where, hint=hint, code="UB334")
        except DataError as error:
            return error

    def _case(self, entry: CaseEntry) -> Case:
        return Case(
            dataset=self.name,
            case_id=entry.case_id,
            subject_id=entry.subject_id,
            images={modality: entry.files[modality] for modality in MODALITIES if modality in entry.files},
            healthy=(healthy := self._healthy(entry)),
            lesion_mask=entry.files.get("lesion_mask"),
            brain_mask=entry.files.get("brain_mask"),
            lesion_kind="" if healthy else entry.facts.get("lesion_kind", "") or self.lesion_kind,
            lesion_labels=self.lesion_labels,
            ignored_labels=self._ignored(entry),
            mask_threshold=self.mask_threshold,
            allow_other_mask_grid=self.allow_other_mask_grid,
            stripped=self.stripped,
            site=entry.facts.get("site", ""),
            scanner=entry.facts.get("scanner", ""),
            age=_unless_ambiguous(age_of, entry, "age"),
            sex=_unless_ambiguous(sex_of, entry, "sex"),
        )

    def _ignored(self, entry: CaseEntry) -> tuple[int, ...]:
        """The labels of the option, and those of an nnU-Net dataset that the options do not use otherwise."""
        own = () if self.mask_threshold is not None else entry.ignored_labels
        return (
            *self.ignored_labels,
            *(one for one in own if one not in {*self.lesion_labels, *self.ignored_labels}),
        )

    def _healthy(self, entry: CaseEntry) -> bool:
        """The value in the table; else False for a case with a lesion mask; else whether the option names the case.

        In an nnU-Net dataset, where healthy cases have an empty mask, the option comes before the mask.
        """
        if self.nnunet and self._listed(entry):
            return True
        word, has_mask = group_word(entry.facts.get("healthy", "")).lower(), "lesion_mask" in entry.files
        healthy = False if has_mask or self.healthy is False else self._listed(entry)
        if word not in MISSING:
            healthy = _yes(word)
        elif not has_mask and self.healthy is not False:
            self._refuse_contradiction(entry)
        if healthy is None:
            hint = "add a column `healthy` or `group`, or name the healthy cases: folder.healthy=[sub-01, sub-4*]"
            raise DataError(
                "it is not declared whether this case is healthy", where=entry.where, hint=hint, code="UB333"
            )
        if not healthy and not has_mask and self.healthy is not False:
            hint = "name its mask, remove the row, or set folder.healthy=false to prepare it without a mask"
            raise DataError(
                "a case with lesions but without a lesion mask", where=entry.where, hint=hint, code="UB333"
            )
        return healthy

    def _refuse_contradiction(self, entry: CaseEntry) -> None:
        """Raise DataError where two columns disagree on a case that `healthy` does not name by its id (UB333)."""
        found, ids = entry.facts.get("contradiction", ""), {entry.case_id, entry.subject_id}
        named = isinstance(self.healthy, tuple | list) and ids & set(self.healthy)
        if found and not named:
            what = f"two columns disagree on whether this subject is healthy: {found}"
            hint = (
                "correct the table, choose one with folder.columns.healthy, or name the id in folder.healthy"
            )
            raise DataError(what, where=entry.where, hint=hint, code="UB333")

    def _listed(self, entry: CaseEntry) -> bool | None:
        """True for a case that the option names, else None: it is not declared."""
        patterns = self.healthy if isinstance(self.healthy, tuple | list) else ()
        ids = (entry.case_id, entry.subject_id)
        return True if any(fnmatchcase(word, pattern) for word in ids for pattern in patterns) else None


def _unless_ambiguous(read: Callable[[str], Fact | None], entry: CaseEntry, word: str) -> Fact | None:
    """An age or sex; None with a warning for ambiguous text. Raises ValueError for other invalid text."""
    text = entry.facts.get(word, "")
    if AMBIGUOUS.fullmatch(text):
        log.warning("%s: %s %r is ambiguous; read as unknown", entry.where, word, text)
        return None
    return read(text)


def _yes(word: str) -> bool:
    """Whether a word means yes. Raises ValueError for a word that is neither yes nor no."""
    if word not in TRUE | FALSE:
        raise ValueError(f"healthy is {word!r}, neither yes nor no")
    return word in TRUE
