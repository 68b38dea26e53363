"""The cases of a BIDS tree: a session is a case; images by suffix, masks next to them or in `derivatives`."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from uad_bench.errors import DataError
from uad_datasets.file_search import nifti_files
from uad_datasets.folder_table import FACTS, CaseEntry
from uad_datasets.pairing import Files, Pairing
from uad_datasets.tables import Row, read_rows

log = logging.getLogger(__name__)

SUFFIXES = {"T1w": "t1", "T2w": "t2", "FLAIR": "flair", "PDw": "pd"}
#: Spaces that are a subject's own. Files in any other lie on a template's grid.
NATIVE = frozenset({"", "orig", "individual", "scanner", *SUFFIXES})
LAYOUT = (
    "sub-01/anat/sub-01_T1w.nii.gz (T1w, T2w, FLAIR, PDw) and a mask sub-01_label-lesion_mask.nii.gz in that "
    "folder or in derivatives; files named space-TEMPLATE are read where entities have {space: TEMPLATE}"
)


def read_tree(
    root: Path, entities: Mapping[str, str], columns: Mapping[str, str]
) -> Iterator[CaseEntry | DataError]:
    """Each session as a CaseEntry, by case id (`sub-01_ses-1`), or as a DataError where it cannot be paired.

    entities: files with another value of one of these are ignored; columns: names of columns in participants.tsv in
    the root, which gives age, sex, site and so on. Raises as `Pairing.cases`.
    """
    pairing = Pairing(root, LAYOUT, choose="choose one with entities, for instance {acq: iso}")
    for path in nifti_files(root, skip=frozenset({"sourcedata", "code", "stimuli"})):
        tags, words = _parsed(path)
        what = _what(tags, words, derived="derivatives" in path.relative_to(root).parts)
        if what and "sub" in tags and _wanted(tags, entities):
            pairing.put("_".join(f"{key}-{tags[key]}" for key in ("sub", "ses") if key in tags), what, path)
    people = _people(root / "participants.tsv", columns)

    def entry(case_id: str, files: Files) -> CaseEntry:
        subject = case_id.partition("_")[0]
        row = people.get(subject)
        facts = {word: row.get(columns.get(word, word)) for word in FACTS} if row else {}
        return CaseEntry(case_id, subject, files, case_id, facts)

    return pairing.cases(entry)


def _parsed(path: Path) -> tuple[dict[str, str], list[str]]:
    """The entities of a file name (`sub-01` -> sub: 01), and its words without a key, the suffix last."""
    parts = path.name.partition(".")[0].split("_")
    tags = dict(part.split("-", 1) for part in parts if "-" in part)
    return tags, [part for part in parts if "-" not in part]


def _what(tags: Mapping[str, str], words: list[str], derived: bool) -> str | None:
    """The modality or mask of a file, None for other files, also for derived images (bias-corrected, in a template)."""
    suffix = words[-1] if words else tags.get("desc", "")
    text = " ".join([*words, tags.get("label", ""), tags.get("desc", "")]).lower()
    if suffix.lower().endswith(("mask", "roi")):
        return "lesion_mask" if "lesion" in text else "brain_mask" if "brain" in text else None
    if derived or suffix not in SUFFIXES or tags.get("part", "mag") != "mag":
        return None
    return "t1ce" if suffix == "T1w" and "ce" in tags else SUFFIXES[suffix]


def _wanted(tags: Mapping[str, str], entities: Mapping[str, str]) -> bool:
    space = tags.get("space", "")
    wanted = space == entities["space"] if "space" in entities else space in NATIVE
    return wanted and all(tags.get(key, value) == value for key, value in entities.items() if key != "space")


def _people(table: Path, columns: Mapping[str, str]) -> dict[str, Row]:
    """The rows of participants.tsv by subject, without subjects on several rows, which a warning names."""
    rows = read_rows(table) if table.is_file() else []
    for name in columns.values():
        if not rows or name.lower() not in rows[0].cells:
            hint = f"the columns are {', '.join(rows[0].cells) if rows else 'none'}"
            raise DataError(f"no column {name!r}", where=str(table), hint=hint, code="UB334")
    ids = [f"sub-{row.get('participant_id').removeprefix('sub-')}" for row in rows]
    twice = sorted(subject for subject, times in Counter(ids).items() if times > 1)
    if twice:
        log.warning("%s: several rows for %s, none is used", table.name, ", ".join(twice))
    return {subject: row for subject, row in zip(ids, rows, strict=True) if subject not in twice}
