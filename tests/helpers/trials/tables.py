"""Tables of cohorts, published splits and runs.

"Silently different" is a cohort or a split other than the one that a plain CSV reader finds in the damaged bytes, or
other results of a run, without a word.
"""

import csv
import io
import shutil

from tests.helpers.trials.judged import unsound, without_figures
from tests.helpers.trials.nifti import heard
from tests.helpers.trials.runs import sealed_again
from tests.helpers.trials.spoil import spoiled
from tests.helpers.trials.stock import cache

OF_RUNS = ("cases.csv", "metrics.csv", "splits.csv", "thresholds.csv")
YES, CONTROL = {"1", "1.0", "true", "yes", "y"}, {"control"}
ROLES = {
    "h00": "train",
    "h01": "train",
    "h02": "val",
    "h03": "val",
    "h04": "test",
    "a00": "test",
    "b00": "tune",
}
SPLIT = "dataset,role,case_id\n" + "".join(f"folder,{role},{case}\n" for case, role in ROLES.items())


def table(rng, stock, folder):
    """The table of one of four readers."""
    return [_cohort, _participants, _split, _of_run][rng.integers(4)](rng, stock, folder)


def _cohort(rng, stock, folder):
    shutil.copytree(stock.data, folder / "data")
    path = folder / "data" / "cases.csv"
    path.write_bytes(spoiled(rng, path.read_bytes()))
    told = _checked(stock, folder / "data")
    return unsound(told) or (None if told.code else _unlike(path, told, {}, _row, "case_id"))


def _participants(rng, stock, folder):
    shutil.copytree(stock.bids, folder / "data")
    path = folder / "data" / "participants.tsv"
    spoilt = path if rng.integers(4) else path.with_suffix(".json")
    spoilt.write_bytes(spoiled(rng, spoilt.read_bytes()))
    told = _checked(stock, folder / "data", "--set", "folder.bids=true")
    return unsound(told) or (
        None if told.code else _unlike(path, told, {"bids": True}, _person, "participant_id")
    )


def _checked(stock, data, *words):
    return stock.call("data", "check", "folder", *stock.source(data), *words)


def _row(row):
    return row.get("healthy", "").lower() in YES and not row.get("lesion_mask")


def _person(row):
    return "".join(filter(str.isalnum, row.get("group", "").lower())) in CONTROL


def _unlike(path, told, options, is_healthy, key):
    """Cases that were found where a plain reader finds others; a patient as healthy; files that nobody named."""
    from uad_datasets.folder import FolderAdapter

    with heard() as said:
        found = {case.case_id: case for case in FolderAdapter(**options).discover(path.parent)}
    if said:
        return None
    text = path.read_bytes().decode("utf-8-sig", "replace")
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if path.suffix == ".tsv" else ",")
    held = {_plain(row.get(key)): row for row in ({_plain(k): _plain(v) for k, v in r.items()} for r in rows)}
    for name, case in found.items():
        if name not in held:
            return f"{name} is in no row"
        if case.healthy and not is_healthy(held[name]):
            return f"{name} is healthy, its row is {held[name]}"
    unread = len(found) < 7 and "no case" not in told.out + told.err and "not read" not in told.out + told.err
    return f"only {len(found)} cases, without a word" if unread else None


def _plain(cell):
    return cell.strip() if isinstance(cell, str) else ""


def _split(rng, stock, folder):
    path = folder / "split.csv"
    path.write_bytes(spoiled(rng, SPLIT.encode()))
    out = ["--out", folder / "runs", "--threads", 1, "--quiet", "--splits", f"legacy={path}"]
    words = [
        ["audit", "--splits", f"legacy={path}"],
        ["audit", "--splits", f"legacy={path}", *stock.source()[:2], *stock.protocol()],
        ["run", "thresh", *stock.source(), *stock.protocol(), *out],
    ][rng.choice(3, p=[0.4, 0.3, 0.3])]
    with cache(folder / "cache"):
        told = stock.call(*words, before=without_figures)
    return unsound(told) or (None if told.code else _other_roles(path))


def _other_roles(path):
    from uad_bench.data.published_splits import read_table

    text = path.read_bytes().decode("utf-8-sig")
    rows = [
        {_plain(k).lower(): _plain(v) for k, v in row.items()}
        for row in csv.DictReader(io.StringIO(text, newline=""))
    ]
    held = [
        (row["dataset"].lower(), row["role"].lower(), row["case_id"]) for row in rows if any(row.values())
    ]
    found = [(row.dataset, row.role, row.case_id) for row in read_table(path).all_rows]
    learns = {dataset for dataset, role, _ in held if role == "train"}
    held = [(d, "tune" if role == "val" and d not in learns else role, case) for d, role, case in held]
    return None if found == held else f"roles {found}, the table holds {held}"


def _of_run(rng, stock, folder):
    """A table of a run that is sealed again, as a foreign run may be: it is read, or left out with a message."""
    shutil.copytree(stock.runs, folder / "runs")
    path = next((folder / "runs").rglob(OF_RUNS[rng.integers(len(OF_RUNS))]))
    path.write_bytes(spoiled(rng, path.read_bytes()))
    sealed_again(path.parent)
    told = stock.board(folder / "runs") if rng.integers(3) else stock.call("audit", folder / "runs")
    return f"{path.name}: {fault}" if (fault := unsound(told)) else None
