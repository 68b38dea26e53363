"""The sound inputs that trials damage: a small cohort as a table and as a BIDS tree, a protocol and a finished run."""

import csv
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from tests.helpers.toy_data import make
from tests.helpers.trials.bounded import call, preload
from tests.helpers.workspace import COLUMNS, PROTOCOL

BLUR = Path(__file__).parents[1] / "toy_methods.py"
#: Few steps, and a checkpoint after each.
TRAINED = (f"{BLUR}:Blur", "--set", "blur.steps=4", "--checkpoint-minutes", 0)


class Stock:
    """A sound cohort with its table and a finished run, made once in `root`."""

    def __init__(self, root):
        self.root, self.data, self.bids, self.runs = root, root / "data", root / "bids", root / "runs"
        root.mkdir(parents=True)
        make(self.data, healthy=5, lesions=1)
        with (self.data / "cases.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(map(_row, sorted(self.data.glob("*_t2.nii.gz"))))
        _as_bids(self.data, self.bids)
        made = ["run", "thresh", *self.source(), *self.protocol(), "--out", self.runs, "--threads", 1]
        again = ["evaluate", self.runs, *self.source(), "--quiet"]
        preload([[*made, "--quiet"], again, ["leaderboard", self.runs, "--format", "json"]], self.scratch)
        self.table = self.board(self.runs).out
        self.prepared = self._prepared()

    @property
    def scratch(self):
        """A folder for the output of verbs, one for each process."""
        folder = self.root / f"scratch-{os.getpid()}"
        folder.mkdir(exist_ok=True)
        return folder

    def source(self, data=None):
        return "--data", f"folder={data or self.data}", "--workers", 1

    def protocol(self, path=PROTOCOL):
        roles = (
            "protocol.train=folder",
            "protocol.test=[folder]",
            "protocol.splits.salt=toy1",
        )  # 2, 2, 1 healthy
        return "--protocol", path, *(word for one in roles for word in ("--set", one))

    def _prepared(self):
        """The prepared voxels of each case, and what `prepare` says of the sound cohort."""
        from tests.helpers.trials.judged import messages
        from tests.helpers.trials.nifti import entries

        with cache(self.root / "cache"):
            told = self.call("prepare", "folder", *self.source(), *self.protocol())
            return entries(self.root / "cache"), messages(told)

    def board(self, runs):
        return self.call("leaderboard", runs, "--format", "json")

    def call(self, *words, before=lambda: None):
        return call([*words], self.scratch, before)


@contextmanager
def cache(folder):
    """Let verbs use this cache."""
    old = os.environ["UAD_BENCH_CACHE"]
    os.environ["UAD_BENCH_CACHE"] = str(folder)
    try:
        yield
    finally:
        os.environ["UAD_BENCH_CACHE"] = old


def _row(image):
    case = image.name.removesuffix("_t2.nii.gz")
    lesion = "" if case.startswith("h") else f"{case}_lesion.nii.gz"
    row = {"case_id": case, "t2": image.name, "brain_mask": f"{case}_brain.nii.gz"}
    return row | {"lesion_mask": lesion, "healthy": "no" if lesion else "yes"}


def _as_bids(data, root):
    """The same scans as a BIDS tree whose participants.tsv says who is healthy."""
    lines = ["participant_id\tage\tsex\tgroup\tsite"]
    for image in sorted(data.glob("*_t2.nii.gz")):
        case = image.name.removesuffix("_t2.nii.gz")
        names = {"t2": "T2w", "brain": "desc-brain_mask", "lesion": "label-lesion_mask"}
        (root / f"sub-{case}" / "anat").mkdir(parents=True)
        for own, word in names.items():
            if (path := data / f"{case}_{own}.nii.gz").is_file():
                shutil.copy(path, root / f"sub-{case}" / "anat" / f"sub-{case}_{word}.nii.gz")
        group = "control" if case.startswith("h") else "patient"
        lines.append(f"sub-{case}\t{30 + len(lines)}\tF\t{group}\tA")
    (root / "participants.tsv").write_text("\n".join(lines) + "\n")
    (root / "participants.json").write_text(
        '{"age": {"Units": "years"}, "sex": {"Levels": {"F": "female"}}}\n'
    )
    (root / "sub-a00" / "anat" / "sub-a00_label-lesion_mask.json").write_text('{"Type": "Lesion"}\n')
