"""The results of a complete run computed again: written next to the run and swapped in when whole.

Killed or out of disk space at any moment, the old results stand as they were.
"""

from uad_bench.cohort.cohort import Cohort
from uad_bench.config import MAPS_ONLY, RunSpec
from uad_bench.errors import DataError
from uad_bench.pipeline.evaluate_run import evaluate_run
from uad_bench.results.run_directory import RunDir
from uad_bench.support import messages
from uad_bench.support.atomic_files import aside_folder, cannot_write
from uad_bench.support.copy_files import copy_file, link_folder
from uad_bench.support.exchange import replace_folder
from uad_bench.weights.portable import identity_of

#: Small files that describe the training and the cohort; the others are results of the evaluation.
COPIED = (
    "env.json",
    "model.json",
    "splits.csv",
    "left_out.csv",
    "audit.json",
    "fitted.json",
    "train.csv",
    "training.png",
    "log.txt",
)


def replace_results(  # the last two say where it is computed
    source: RunDir, target: RunDir, spec: RunSpec, cohort: Cohort, device: str = "cpu", workers: int = 1
) -> None:
    """Evaluate the maps of `source` under `spec`; the result becomes the run directory `target`, which may be `source`.

    device, workers: as of `evaluate_run`. The lock of `target` must be held. Raises DataError where the run has no
    model or maps or they cannot be read, EnvironmentFault where the disk is full, and what `evaluate_run` raises;
    `target` is then unchanged.
    """
    with aside_folder(target.path) as folder:
        draft = RunDir(folder)
        _share(source, draft)
        draft.write_spec(spec)
        with messages.written(folder / "log.txt"):
            evaluate_run(draft, spec, cohort, device, workers)
        facts = {name: value for name, value in source.status().items() if name != "state"}
        draft.complete(**facts | {"model": identity_of(draft, spec)})
        try:
            replace_folder(folder, target.path)
        except OSError as error:
            raise cannot_write(error, target.path) from error


def _share(source: RunDir, draft: RunDir) -> None:
    """Give `draft` the model and maps of `source` as hard links, and copies of the small files."""
    kept = ("maps",) if source.spec().target == MAPS_ONLY else ("maps", "model")
    for name in kept:
        if not (source.path / name).is_dir():
            hint = "run again with --keep-maps all"
            raise DataError(f"the run kept no {name}", where=source.name, hint=hint)
        link_folder(source.path / name, draft.path / name)
    pictures = (path.name for path in source.path.glob("inside*.png"))
    for name in (*COPIED, *pictures):
        if (source.path / name).is_file():
            copy_file(source.path / name, draft.path / name)
