"""A model that another run of the same method and protocol trained is taken and not trained again."""

import logging
from typing import Any

from uad_bench.errors import DataError, UadError
from uad_bench.pipeline.run_job import RunJob
from uad_bench.pipeline.trained.key import model_key
from uad_bench.results.find_runs import find_runs
from uad_bench.results.run_directory import RunDir
from uad_bench.support.atomic_files import aside_folder, put_in_place
from uad_bench.support.copy_files import copy_file, link_folder

log = logging.getLogger(__name__)

#: Facts about the training in the status of a run.
FACTS = ("fit_s", "stopped_early", "parameters")


def take_trained(job: RunJob) -> bool:
    """Give the run of a job the model of a run beside it that has the same key; False where there is none.

    The files are shared as hard links and verified first; train.csv comes with them. Nothing is taken with --fresh.
    Raises EnvironmentFault where the disk cannot be written, DataError where the model cannot be read (UB321).
    """
    key = "" if job.place.fresh else model_key(job.directory)
    found = _with_key(job.directory, key) if key else None
    if found is None:
        return False
    here = job.directory.path
    with aside_folder(here / "model") as aside:
        link_folder(found.path / "model", aside)
        for name in ("train.csv", "model.json"):
            if (found.path / name).is_file():
                copy_file(found.path / name, here / name)
        put_in_place(aside, here / "model")
    job.set_state("running", **_facts(found), model_of=_origin(found))
    log.info("%s: the model of %s is used, no fit", job.label, found.name)
    return True


def _with_key(run: RunDir, key: str) -> RunDir | None:
    """The first complete run beside this one whose model has the key and is as it was stored."""
    for other in _beside(run):
        if other.path.resolve() == run.path.resolve() or not (other.path / "model.json").is_file():
            continue
        try:
            if other.state == "complete" and model_key(other) == key:
                other.verify()
                return other
        except UadError as error:
            log.warning("the model of %s is not used: %s", other.name, error)
    return None


def _beside(run: RunDir) -> list[RunDir]:
    """The runs below the folder that contains this one; none, with a warning, where a folder may not be listed."""
    try:
        return find_runs([run.path.parent])
    except DataError as error:
        log.warning("no earlier model is looked for: %s", error)
        return []


def _facts(run: RunDir) -> dict[str, Any]:
    status = run.status()
    return {name: status[name] for name in FACTS if name in status}


def _origin(run: RunDir) -> str:
    """The run that trained a model, which may itself have taken it."""
    return str(run.status().get("model_of") or run.name)
