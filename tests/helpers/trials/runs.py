"""Run directories with a damaged, missing or exchanged file, sealed as before or sealed again.

"Silently different" is another table without a message. A run that is sealed again is a foreign one: its numbers are
what its files say, and no verb may end in a traceback or take much memory or time over them.
"""

import hashlib
import json
import shutil

from tests.helpers.trials.judged import unsound, without_figures
from tests.helpers.trials.spoil import spoiled

#: Files of a run that are not sealed: pictures, messages and losses.
UNSEALED = {"log.txt", "lock", "training.png", "train.csv", "sheet.png", "dice.png", "dice.svg", "inside.png"}


def run(rng, stock, folder):
    """One file of a finished run is damaged; then the verbs that read runs."""
    shutil.copytree(stock.runs, folder / "runs")
    files = sorted(path for path in (folder / "runs").rglob("*") if path.is_file())
    path = files[rng.integers(len(files))]
    changed = _damage(rng, path, files)
    again = rng.integers(2) and (path.name not in UNSEALED)
    if again and path.parent.is_dir():
        sealed_again(next((folder / "runs").glob("*/*/*")))
    told = stock.board(folder / "runs")
    fault = unsound(told) or (None if again else _silent(told, stock, path.name in UNSEALED or not changed))
    fault = fault or _other_verb(rng, stock, folder)
    return f"{path.name}{' sealed again' if again else ''}: {fault}" if fault else None


def _damage(rng, path, files):
    """Damage a file; False where its bytes are as before."""
    sound, kind = path.read_bytes(), rng.integers(12)
    if kind == 0:
        path.unlink()
    elif kind == 1:
        path.unlink()
        path.mkdir()
    elif kind == 2:
        shutil.copyfile(files[rng.integers(len(files))], path.with_name(path.name + "_"))
        path.with_name(path.name + "_").replace(path)
    else:
        path.write_bytes(spoiled(rng, sound))
    return not path.is_file() or path.read_bytes() != sound


def _silent(told, stock, harmless):
    if (
        told.code == 0
        and not told.err
        and json.loads(told.out)["tables"] != json.loads(stock.table)["tables"]
    ):
        return "another table without a message"
    if harmless and told.code:
        return f"refused though no result is damaged: {told.err[-300:]}"
    return None


def _other_verb(rng, stock, folder):
    runs, scan = folder / "runs", next(stock.data.glob("h00_t2*"))
    words = [
        ["evaluate", runs, *stock.source(), "--quiet"],
        ["evaluate", runs, *stock.source(), "--quiet"],
        ["export", runs, "--to", folder / "bids", *stock.source()],
        ["audit", runs],
        ["draw", "training", runs, "--to", folder / "t.png"],
        ["predict", runs, scan, "--to", folder / "new", "--brain-mask", stock.data / "h00_brain.nii.gz", "--no-sheet"],
    ][rng.integers(6)]  # fmt: skip
    told = stock.call(*words, before=without_figures)
    fault = unsound(told)
    return f"{words[0]}: {fault}" if fault else None


def sealed_again(folder):
    """Write the digests of a run anew, as who forges one would."""
    from uad_bench.results.run_directory import RunDir

    run = RunDir(folder)
    if (folder / "digests.json").is_dir():
        return
    if (folder / "model").is_dir() and not (folder / "model.json").is_dir():
        run.seal_model(folder / "model")
    status = folder / "status.json"
    more = {"status.json": hashlib.sha256(status.read_bytes()).hexdigest()} if status.is_file() else {}
    run.seal(more)
