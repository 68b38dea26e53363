"""A workspace for tests of faults: a small cohort described by a table, and the commands of the command line.

A command may write into its cache and its runs only, may leave no incomplete file and show no traceback (R5 and R1 of
the list of faults); `Workspace.call` checks this for every command.
"""

import csv
import io
import json
import logging
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import nibabel as nib
import numpy as np
import pytest

from uad_bench import cli

PROTOCOL = Path(__file__).parents[1] / "helpers" / "toy.yaml"
COLUMNS = ("case_id", "subject_id", "t2", "flair", "brain_mask", "lesion_mask", "healthy")
ONE_LINE = re.compile(r"error\[UB\d{3}\]: [^\n]+")


@contextmanager
def own_environment(root: Path) -> Iterator[pytest.MonkeyPatch]:
    """A working folder and a cache below `root`, no data folders, and loggers as they were afterwards."""
    (root / "here").mkdir(parents=True)
    log = logging.getLogger("uad_bench")
    handlers, level = log.handlers, log.level
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root / "here")
        patch.setenv("UAD_BENCH_CACHE", str(root / "cache"))
        for name in ("UAD_BENCH_DATA", "UAD_BENCH_FOLLOW_LINKS"):
            patch.delenv(name, raising=False)
        yield patch
    log.handlers, log.level = handlers, level


@dataclass(frozen=True)
class Answer:
    """The output of a command, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The last line of stderr, the only one with an error and its code."""
        lines = self.err.splitlines()
        assert [line for line in lines if line.startswith("error[")] == lines[-1:], self.err
        assert ONE_LINE.fullmatch(lines[-1])
        return lines[-1]

    @property
    def listed(self) -> list[str]:
        """The failed cases that `prepare` lists, one line each."""
        return [line.strip() for line in self.err.splitlines() if line.startswith("  ")]


class Workspace:
    """A cohort in `data`, described by data/cases.csv, with a cache, a folder for runs and a working folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data, self.cache, self.runs = root / "data", root / "cache", root / "runs"

    def rows(self) -> list[dict[str, str]]:
        """The rows of the table of cases."""
        return list(csv.DictReader((self.data / "cases.csv").read_text().splitlines()))

    def write_rows(self, rows: Iterable[dict[str, str]]) -> None:
        """Replace the table of cases."""
        with (self.data / "cases.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def change(self, case: str, **cells: str) -> None:
        """Replace some cells of one row."""
        self.write_rows(row | cells if row["case_id"] == case else row for row in self.rows())

    def keep(self, *cases: str) -> None:
        """Keep these cases only, with their files."""
        rows = self.rows()
        for row in rows:
            if row["case_id"] not in cases:
                for column in ("t2", "brain_mask", "lesion_mask"):
                    if row[column]:
                        (self.data / row[column]).unlink(missing_ok=True)
        self.write_rows(row for row in rows if row["case_id"] in cases)

    def file(self, case: str, column: str = "t2") -> Path:
        """The path of a file of a case."""
        return self.data / next(row[column] for row in self.rows() if row["case_id"] == case)

    def edit(
        self, path: Path, change: Callable[[np.ndarray], np.ndarray], affine: np.ndarray | None = None
    ) -> None:
        """Replace the voxels, or the affine, of a file."""
        image = nib.load(path)
        array = change(np.asarray(image.dataobj).copy())
        nib.save(nib.Nifti1Image(array, image.affine if affine is None else affine), path)

    def forget(self) -> None:
        """Empty the cache."""
        shutil.rmtree(self.cache)

    def entries(self) -> set[str]:
        """The ids of the cases with an entry in the cache."""
        records = self.cache.glob("prepared/*/*/record.json")
        return {json.loads(path.read_text())["case_id"] for path in records}

    def entry(self, case: str) -> Path:
        """The folder of the single entry of a case in the cache."""
        records = self.cache.glob("prepared/*/*/record.json")
        (folder,) = [path.parent for path in records if json.loads(path.read_text())["case_id"] == case]
        return folder

    def prepared(self, case: str) -> dict[str, np.ndarray]:
        """The arrays in the entry of a case, by name."""
        return {file.stem: np.load(file) for file in self.entry(case).glob("*.npy")}

    def table(self, name: str) -> list[dict[str, str]]:
        """A table of the single run."""
        (path,) = self.runs.rglob(name)
        return list(csv.DictReader(path.read_text().splitlines()))

    def check(self, *words: object) -> Answer:
        """`data check`."""
        return self.call("data", "check", "folder", *self._data(), *words)

    def prepare(self, *words: object) -> Answer:
        """`prepare` under the toy protocol."""
        return self.call("prepare", "folder", *self._data(), *self._protocol(), *words)

    def run(self, *words: object) -> Answer:
        """`run thresh`, quietly, under the toy protocol."""
        place = ("--out", self.runs, "--threads", "1", "--quiet")
        return self.call("run", "thresh", *self._data(), *self._protocol(), *place, *words)

    def call(self, *words: object) -> Answer:
        """Any command."""
        before = self._outside()
        out, err = io.StringIO(), io.StringIO()
        argv = mock.patch.object(sys, "argv", ["uad-bench", *map(str, words)])
        with argv, redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
            cli.main()
        answer = Answer(int(left.value.code or 0), out.getvalue(), err.getvalue())
        assert "Traceback" not in answer.out + answer.err
        assert self._outside() == before, "something was written outside the cache and the runs"
        assert not self._half_written()
        return answer

    def refuses(self, case: str, code: str, *words: str, exit_code: int = 3) -> None:
        """Three commands with a fault in one case: its error has case and remedy, and no other case is affected."""
        others = {row["case_id"] for row in self.rows()} - {case}
        self._lists(case, others, words, exit_code)
        self._passes_over(case, others, words)
        stopped = self.run()
        assert stopped.code == exit_code
        assert re.fullmatch(rf"error\[{code}\]: .+ \({case}, .+\): .+", stopped.error), stopped.error
        assert all(word in stopped.error for word in words)
        assert not self.runs.exists(), [*self.runs.rglob("*")]

    def _lists(self, case: str, others: set[str], words: Iterable[str], exit_code: int) -> None:
        """`data check` finds the fault, and lists all cases."""
        answer = self.check()
        assert answer.code == exit_code
        assert re.match(r"error\[UB(341|507)\]: 1 error", answer.error)
        (finding,) = [
            line for line in answer.out.splitlines() if line.startswith("  ") and f"({case}, " in line
        ]
        assert all(word in finding for word in words), finding
        assert all(re.search(rf"(?m)^{other} .* ok$", answer.out) for other in others), answer.out

    def _passes_over(self, case: str, others: set[str], words: Iterable[str]) -> None:
        """`prepare` prepares every other case, and ends with the failed one."""
        answer = self.prepare()
        assert answer.code == 7
        assert answer.error.startswith("error[UB700]: 1 case cannot be prepared")
        assert f"{len(others)} of {len(others) + 1} cases are prepared" in answer.out
        (line,) = answer.listed
        assert f"({case}, " in line
        assert all(word in line for word in words), line
        assert self.entries() == others

    def _data(self) -> tuple[object, ...]:
        return "--data", f"folder={self.data}", "--workers", "1"

    def _protocol(self) -> tuple[object, ...]:
        roles = ("--set", "protocol.train=folder", "--set", "protocol.test=[folder]")
        return "--protocol", PROTOCOL, *roles

    def _outside(self) -> dict[Path, tuple[int, int]]:
        own = (self.cache, self.runs)
        paths = [p for p in self.root.rglob("*") if not any(p.is_relative_to(folder) for folder in own)]
        return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in paths}

    def _half_written(self) -> list[Path]:
        return [
            path for path in self.root.rglob("*") if path.name.endswith((".tmp", ".partial", ".incomplete"))
        ]
