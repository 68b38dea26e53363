"""What one trial with a damaged input is, by the kind of input: it returns None, or what was wrong."""

import csv
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from tests.helpers.toy_data import make
from tests.helpers.trials.bounded import call, preload
from tests.helpers.trials.spoil import archive, spoiled
from tests.helpers.workspace import COLUMNS, PROTOCOL

CODES = {0, 2, 3, 4, 5, 6, 7}
MOST_MB, MOST_S = 500, 5
#: Files of a run that are not sealed: pictures, messages and losses.
UNSEALED = {"log.txt", "lock", "training.png", "train.csv", "sheet.png", "dice.png", "dice.svg", "inside.png"}


class Stock:
    """A sound cohort with its table and a finished run, made once in `root`."""

    def __init__(self, root, *, run=True):
        self.root, self.data, self.runs, self.scratch = root, root / "data", root / "runs", root / "scratch"
        self.scratch.mkdir(parents=True)
        preload()
        make(self.data, healthy=5, lesions=1)
        with (self.data / "cases.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(map(_row, sorted(self.data.glob("*_t2.nii.gz"))))
        if run:
            words = [
                "run",
                "thresh",
                *self.source(),
                *self.protocol(),
                "--out",
                self.runs,
                "--threads",
                1,
                "--quiet",
            ]
            assert (told := self.call(*words)).code == 0, told.err
            self.table = self.board(self.runs).out

    def source(self):
        return "--data", f"folder={self.data}", "--workers", 1

    def protocol(self):
        return "--protocol", PROTOCOL, "--set", "protocol.train=folder", "--set", "protocol.test=[folder]"

    def board(self, runs):
        return self.call("leaderboard", runs, "--format", "json")

    def call(self, *words):
        return call([*words], self.scratch)


def _row(image):
    case = image.name.removesuffix("_t2.nii.gz")
    lesion = "" if case.startswith("h") else f"{case}_lesion.nii.gz"
    row = {"case_id": case, "t2": image.name, "brain_mask": f"{case}_brain.nii.gz"}
    return row | {"lesion_mask": lesion, "healthy": "no" if lesion else "yes"}


def unsound(told):
    """What no verb may do, whatever its input: None or a description."""
    if told.code not in CODES or "Traceback" in told.out + told.err:
        return f"exit {told.code}: {told.err[-600:]}"
    if told.code and not told.err.strip():
        return f"exit {told.code} without a message"
    if told.megabytes > MOST_MB or told.seconds > MOST_S:
        return f"{told.megabytes:.0f} MB, {told.seconds:.1f} s: {told.err[-300:]}"
    return None


def nifti(rng, _stock, folder):
    """The reader of images against the standard, as tests/faults/test_fuzz.py compares them."""
    from tests.faults.test_fuzz import attempt, mutated

    name, bad, holds = mutated(rng)
    (folder / name).write_bytes(bad)
    try:
        attempt(folder / name, holds)
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    return None


def yaml(rng, stock, folder):
    """A protocol that is shown, or a configuration of a run that cannot begin."""
    path = folder / "p.yaml"
    path.write_bytes(spoiled(rng, PROTOCOL.read_bytes()))
    return unsound(stock.call("show", path))


def table(rng, stock, folder):
    """The table of a cohort, or participants.tsv beside it."""
    shutil.copytree(stock.data, folder / "data")
    path = folder / "data" / "cases.csv"
    path.write_bytes(spoiled(rng, path.read_bytes()))
    return unsound(
        stock.call("data", "check", "folder", "--data", f"folder={folder / 'data'}", "--workers", 1)
    )


def packed(rng, stock, folder):
    """An archive: what is unpacked is what was packed, in the folder named."""
    files = {f"set/{path.name}": path.read_bytes() for path in sorted(stock.data.glob("*h0[01]*"))}
    suffix, raw = archive(rng, files)
    path = folder / f"set{suffix}"
    path.write_bytes(raw)
    told = stock.call("data", "import", "folder", path, "--into", folder / "into")
    found = [file for file in folder.rglob("*") if file.is_symlink() or file.is_file()]
    found = [file for file in found if not file.name.startswith(".uad-import.")]  # the verb's own notes
    beside = [file for file in found if file != path and not file.is_relative_to(folder / "into")]
    other = [file for file in found if file != path and file.read_bytes() not in files.values()]
    if beside or any(file.is_symlink() for file in found) or (other and suffix == ".zip"):
        return f"unpacked: {beside or other or 'a link'}"
    return unsound(told)


def run(rng, stock, folder):
    """A finished run with one damaged file: the same table, or the run is left out with a message."""
    shutil.copytree(stock.runs, folder / "runs")
    sealed = [path for path in (folder / "runs").rglob("*") if path.is_file() and path.name not in UNSEALED]
    path = sorted(sealed)[rng.integers(len(sealed))]
    sound = path.read_bytes()
    path.write_bytes(spoiled(rng, sound))
    told = stock.board(folder / "runs")
    if fault := unsound(told):
        return f"{path.name}: {fault}"
    if told.code == 0 and not told.err and _tables(told.out) != _tables(stock.table):
        return f"{path.name}: another table without a message"
    again = stock.call("evaluate", folder / "runs", *stock.source(), "--quiet")
    return f"{path.name}: {fault}" if (fault := unsound(again)) else None


def _tables(text):
    return json.loads(text)["tables"]


KINDS = {"nifti": nifti, "yaml": yaml, "tables": table, "archives": packed, "runs": run}


def trial(kind, seed, stock):
    """One damaged input of a kind, made from its seed alone: None, or what was wrong."""
    with tempfile.TemporaryDirectory(dir=stock.root, ignore_cleanup_errors=True) as folder:
        return KINDS[kind](np.random.default_rng([seed, sorted(KINDS).index(kind)]), stock, Path(folder))
