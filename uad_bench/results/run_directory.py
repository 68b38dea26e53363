"""The only reader and writer of run directories: self-contained, movable, the only result format.

<out>/<protocol>/<method>/<run_id>/
    spec.yaml       the resolved RunSpec         env.json        versions, device, threads, data roots
    spec.json       the same, for machines
    status.json     state and failures           splits.csv      every case and its role
    left_out.csv    cases left out, with reason  audit.json      findings of the leak audit
    fitted.json     learnt landmarks, and from which cases
    train.csv       losses                       log.txt         messages and tracebacks
    model/          learnt state                 checkpoints/    only while training
    model.json      SHA-256 of the model's files, from the moment it is stored
    failures.csv    cases that the method could not score, only in an incomplete run
    maps/<dataset>/ anomaly maps                 thresholds.csv  operating points and whose cases set them
    cases.csv       one value a case and metric  metrics.csv     one value a group and metric
    draws.npz       pooled metrics under resamples of the patients
    sketches/<dataset>.zip   a histogram of each test case's scores, for pools of pools
    sheet.png, dice.png, dice.svg, training.png: pictures; inside*.png where they were asked for
    digests.json    SHA-256 of the tables, model and maps
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from uad_bench.config import RunSpec, validated
from uad_bench.errors import EnvironmentFault, IntegrityError
from uad_bench.results import csv_tables, run_lock, seal, serialise
from uad_bench.support import strict_yaml
from uad_bench.support.atomic_files import (
    append_text,
    cannot_write,
    is_aside,
    json_bytes,
    sha256,
    write_bytes,
    write_json,
    write_text,
)
from uad_bench.support.exchange import restore
from uad_bench.support.lease import Seen
from uad_bench.types import BoolArray, FloatArray

FloatArray64 = npt.NDArray[np.float64]
Kept = TypeVar("Kept")
SEALED = (
    "spec.yaml",
    "spec.json",
    "env.json",
    "model.json",
    "splits.csv",
    "left_out.csv",
    "audit.json",
    "fitted.json",
    "thresholds.csv",
    "cases.csv",
    "metrics.csv",
    "draws.npz",
)
STATES = frozenset({"running", "failed", "incomplete", "cleared", "complete"})
FOLDERS = ("model", "maps", "sketches")
#: The code of the error for a run that was edited after it was sealed.
EDITED = seal.EDITED


@dataclass(frozen=True)
class RunDir:
    """One run directory; every write is atomic. kind, remedy: what errors call it, and advise if it is not readable."""

    kind: ClassVar[str] = "run"
    remedy: ClassVar[str] = "run it again with --fresh"
    path: Path

    @property
    def name(self) -> str:
        """The name of the run for users: protocol/method/run_id."""
        return "/".join(self.path.parts[-3:])

    # --- state -------------------------------------------------------------------------------------------
    @property
    def state(self) -> str:
        """ "new", "running", "failed", "incomplete" (some cases have no map), "cleared" or "complete"."""
        status = self.path / "status.json"
        return str(self.status()["state"]) if status.is_file() else "new"

    def set_state(self, state: str, **more: Any) -> None:  # JSON values
        """Record the state with further facts."""
        write_json(self.path / "status.json", {"state": state, **more})

    def status(self) -> dict[str, Any]:
        """What `set_state` recorded last. Raises IntegrityError where it cannot be read."""
        try:
            value: dict[str, Any] = json.loads((self.path / "status.json").read_text())
            if value["state"] not in STATES:
                raise ValueError(f"no run has the state {value['state']!r}")
            return value
        except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
            hint = "make the run again with --fresh"
            raise IntegrityError(f"no readable status.json: {error}", where=self.name, hint=hint) from error

    def locked(self) -> AbstractContextManager[None]:
        """Lock the run for this process. Raises EnvironmentFault where another process has locked it."""
        return run_lock.locked(self.path, self.name)

    def holder(self) -> Seen | None:
        """The process that has locked the run, which may have ended; None where there is none."""
        return run_lock.holder(self.path)

    def environment(self) -> dict[str, Any]:
        """The machine of env.json, empty where none is recorded."""
        path = self.path / "env.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
        return found

    def clear(self) -> None:
        """Remove everything but the lock; a run that is killed meanwhile is neither complete nor resumed.

        Raises EnvironmentFault where a file cannot be removed.
        """
        try:
            (self.path / "digests.json").unlink(missing_ok=True)
            if (self.path / "status.json").is_file():
                self.set_state("cleared")
            last = self.path / "status.json"
            for item in [
                *(item for item in self.path.iterdir() if item.name not in {*run_lock.FILES, last.name}),
                last,
            ]:
                if item.is_dir() and not item.is_symlink():
                    shutil.rmtree(item)
                else:
                    item.unlink(missing_ok=True)
        except OSError as error:
            hint = "parts of the old run are removed: allow the folder to be written, and start again"
            raise cannot_write(error, self.path, hint) from error

    def log(self, text: str) -> None:
        """Append a line to log.txt with the time (UTC); a full disk does not hide the error that is logged."""
        with suppress(EnvironmentFault):
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            append_text(self.path / "log.txt", f"{stamp} {text.rstrip()}\n")

    # --- tables ------------------------------------------------------------------------------------------
    def write_spec(self, spec: RunSpec) -> None:
        """spec.yaml: the resolved specification, with the protocol fingerprint as a comment; spec.json: the same."""
        values = spec.model_dump(mode="json")
        text = f"# protocol fingerprint {spec.protocol.fingerprint}\n{strict_yaml.dump(values)}"
        write_text(self.path / "spec.yaml", text)
        write_json(
            self.path / "spec.json", {"sha256": hashlib.sha256(text.encode()).hexdigest(), "spec": values}
        )

    def spec(self) -> RunSpec:
        """The specification this run was made from. Raises IntegrityError where the run has lost it."""
        if not (self.path / "spec.yaml").is_file():
            hint = "restore the file, or make the run again with --fresh"
            raise IntegrityError("the run has no spec.yaml", where=self.name, hint=hint)
        values = self._quick_spec() or strict_yaml.read(self.path / "spec.yaml")
        return validated(RunSpec, values, f"{self.name}/spec.yaml")

    def _quick_spec(self) -> dict[str, Any] | None:
        """The content of spec.json where it equals spec.yaml, else None; YAML takes most of the time to read a run."""
        try:
            kept: dict[str, Any] = json.loads((self.path / "spec.json").read_text(encoding="utf-8"))
            same = kept["sha256"] == sha256(self.path / "spec.yaml")
            return dict(kept["spec"]) if same else None
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            return None

    def write_json(self, name: str, value: Any) -> None:  # any JSON value
        """A JSON file of the run."""
        write_json(self.path / name, value)

    def write_table(self, name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
        """A CSV with exactly `columns`; None is an empty cell, floats read back equal."""
        csv_tables.write(self.path / name, columns, rows)

    def table(self, name: str) -> list[dict[str, str]]:
        """The rows of a CSV, cells as text."""
        return csv_tables.read(self.path / name)

    def append_training(self, record: Mapping[str, Any]) -> None:
        """One line of train.csv: phase, step, name, value."""
        where = f"{record['phase']},{record['step']}"
        named = [(k, v) for k, v in record.items() if k not in {"phase", "step"}]
        path = self.path / "train.csv"
        head = "" if path.exists() else ",".join(csv_tables.TRAIN_COLUMNS) + "\n"
        append_text(path, head + "".join(f"{where},{name},{value!r}\n" for name, value in named))

    def rewind_training(self, phase: str, step: int) -> None:
        """Remove the rows of a phase in train.csv from `step` on, because a resumed loop writes them again."""
        path = self.path / "train.csv"
        if path.is_file():
            rows = [r for r in self.table("train.csv") if r["phase"] != phase or int(r["step"]) < step]
            self.write_table("train.csv", csv_tables.TRAIN_COLUMNS, rows)

    # --- maps --------------------------------------------------------------------------------------------
    def map_path(self, dataset: str, case_id: str) -> Path:
        """Where the anomaly map of a case is. Raises IntegrityError for names that lead out of the folder (UB501)."""
        for name in (dataset, case_id):
            if name in {"", ".", ".."} or "/" in name or "\\" in name or "\0" in name:
                raise IntegrityError(f"{name!r} is no name of a file", where=self.name, code="UB501")
        return self.path / "maps" / dataset / f"{case_id}.npz"

    def write_map(
        self, dataset: str, case_id: str, values: FloatArray, brain_mask: BoolArray, bits: int = 32
    ) -> None:
        """Store a map (X, Y, Z) as `serialise.pack_map` packs it."""
        write_bytes(self.map_path(dataset, case_id), serialise.pack_map(values, brain_mask, bits))

    def read_map(self, dataset: str, case_id: str) -> FloatArray:
        """The stored map (X, Y, Z). Raises IntegrityError where the file is damaged."""
        return self._unpacked(self.map_path(dataset, case_id), serialise.unpack_map, "anomaly map")

    # --- resamples, sketches -----------------------------------------------------------------------------
    def write_draws(self, draws: serialise.Draws) -> None:
        """draws.npz: by dataset, group and metric, the values (B,) under the patient resamples."""
        write_bytes(self.path / "draws.npz", serialise.pack_draws(draws))

    def draws(self) -> dict[tuple[str, str, str], FloatArray64]:
        """What `write_draws` wrote; empty for a run of an older version. Raises as `read_map`."""
        path = self.path / "draws.npz"
        return self._unpacked(path, serialise.unpack_draws, "draws.npz") if path.is_file() else {}

    def write_sketches(self, sketches: Mapping[str, Mapping[str, bytes]]) -> None:
        """sketches/<dataset>.zip: by case, the bytes of a score histogram."""
        for dataset, cases in sketches.items():
            write_bytes(self.path / "sketches" / f"{dataset}.zip", serialise.pack_sketches(cases))

    def sketches(self, dataset: str) -> dict[str, bytes]:
        """What `write_sketches` wrote of a dataset. Raises as `read_map`."""
        return self._unpacked(
            self.path / "sketches" / f"{dataset}.zip", serialise.unpack_sketches, "sketches"
        )

    def _unpacked(self, path: Path, unpack: Callable[[bytes], Kept], what: str) -> Kept:
        try:
            return unpack(path.read_bytes())
        except serialise.UNREADABLE as error:
            hint = "score again: `uad-bench run ... --fresh`"
            raise IntegrityError(f"no readable {what}", where=str(path), hint=hint) from error

    # --- seal --------------------------------------------------------------------------------------------
    def seal(self, extra: Mapping[str, str] | None = None) -> None:
        """Write digests.json over tables, model and maps, and `extra` digests, by which `verify` finds an edit."""
        folders = (path for name in FOLDERS for path in sorted((self.path / name).rglob("*")))
        files = [self.path / name for name in SEALED] + [path for path in folders if not is_aside(path)]
        write_json(self.path / "digests.json", seal.digests(self.path, files) | dict(extra or {}))

    def complete(self, **facts: Any) -> None:
        """Seal the run with its status. The status is written last: no run is complete without digests."""
        status = {"state": "complete", **facts}
        self.seal({"status.json": hashlib.sha256(json_bytes(status)).hexdigest()})
        write_json(self.path / "status.json", status)

    def verify(self, *, maps: bool = False, model: bool = True) -> None:
        """Raise IntegrityError for the first file whose digest is not the sealed one.

        maps: include anomaly maps and score histograms; model: include the model. Without both only the tables are
        checked, from which all results are read.
        """
        wanted = {"maps": maps, "sketches": maps, "model": model}
        sealed = seal.read(self.path / "digests.json", self.name)
        chosen = {name: one for name, one in sealed.items() if wanted.get(name.partition("/")[0], True)}
        seal.verify(self.path, chosen, self.name)

    def seal_model(self, folder: Path) -> None:
        """Write model.json for the files of a model in `folder`, which is about to become model/."""
        write_json(self.path / "model.json", seal.digests(folder, sorted(folder.rglob("*"))))

    def verify_model(self) -> None:
        """Raise IntegrityError where a file of the model was changed after it was stored.

        Runs of version 0.1 have no digests of an unfinished run's model; nothing is checked then.
        """
        path = self.path / "model.json"
        if path.is_file():
            seal.verify(self.path / "model", seal.read(path, self.name), self.name)


def run_dir(out: Path, spec: RunSpec, cohort: str) -> RunDir:
    """The directory of a run, created if needed. Raises EnvironmentFault where that fails."""
    method = spec.method.replace(":", "-")
    path = out.resolve() / spec.protocol.name / method / spec.run_id(cohort)
    try:
        restore(path)  # where a process was killed while it replaced the results
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise EnvironmentFault(f"cannot make the run's folder: {reason}", where=str(path)) from error
    return RunDir(path)
