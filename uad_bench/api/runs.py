"""Runs: made, found again, and their maps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from uad_bench.api.arguments import AnyPath, options_of, sources_of
from uad_bench.api.results import Results, results_of
from uad_bench.errors import UsageError
from uad_bench.types import Affine, FloatArray


def run(
    methods: str | Sequence[str],
    *,
    protocol: str = "",
    seeds: int | Sequence[int] = 1,
    test: Sequence[str] = (),
    data: Mapping[str, AnyPath] | None = None,
    settings: Mapping[str, Any] | None = None,
    out: AnyPath = "runs",
    **more: Any,
) -> Results:
    """Train, score and evaluate methods, as `uad-bench run` does; runs that are complete are found again.

    seeds: a number (5: seeds 0 to 4) or a list; data: folders by dataset; settings: `--set` options, for instance
    {"METHOD.steps": 100, "protocol.postprocess": []}; more: device, threads, workers, resume, fresh, and log: names of
    trackers as of `--log`. Raises the error of the runs that failed, after the others are done.
    """
    from uad_bench.pipeline.matrix import Matrix, execute
    from uad_bench.pipeline.run_job import Workplace
    from uad_bench.pipeline.trackers.trackers import wanted as trackers
    from uad_bench.support import environment

    known = {"device": "auto", "threads": 0, "workers": 0, "resume": False, "fresh": False, "log": ()}
    options: dict[str, Any] = known | options_of(more, known)
    names = [methods] if isinstance(methods, str) else list(methods)
    wanted = range(seeds) if isinstance(seeds, int) else seeds
    if not (names and len(wanted)):
        raise UsageError(
            f"{len(names)} methods and {len(wanted)} seeds are named", hint="name one of each or more"
        )
    pairs = [(key.split("."), value) for key, value in (settings or {}).items()]
    specs = Matrix(names, tuple(wanted), protocol, tuple(test), settings=pairs).specs()
    place = Workplace(
        Path(out),
        sources_of(data, options["workers"]),
        environment.resolve_device(options["device"]),
        options["threads"] or environment.threads(),
        options["resume"],
        options["fresh"],
        trackers=trackers(options["log"]),
    )
    outcome = execute(specs, place)
    if outcome.error:
        raise outcome.error
    return results_of(outcome.done)


def load_run(*folders: AnyPath) -> Results:
    """The results of finished runs: run folders, or folders of them.

    Runs that are not complete are named in a warning and left out. Raises UsageError where none is complete, and the
    error of a run that was edited.
    """
    from uad_bench.results.find_runs import complete_runs

    return results_of(complete_runs([Path(folder) for folder in folders])[0])


def load_map(source: AnyPath, case_id: str = "", dataset: str = "") -> tuple[FloatArray, Affine]:
    """An anomaly map (X, Y, Z) and its affine (4, 4), of a NIfTI file, or of a case of a run.

    A map of a run is on the protocol's grid; where the protocol centres it on each brain, the affine has the voxel
    sizes and its origin in the middle of the grid. Raises UsageError for a folder without a run or with
    several, and for a case that the run has no map of, IntegrityError for a map that was changed after the run.

    >>> import nibabel, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     image = nibabel.Nifti1Image(np.ones((4, 4, 4), np.float32), np.diag([2, 2, 2, 1]))
    ...     nibabel.save(image, f"{folder}/map.nii.gz")
    ...     values, affine = load_map(f"{folder}/map.nii.gz")
    >>> values.shape, float(affine[0, 0])
    ((4, 4, 4), 2.0)
    """
    path = Path(source)
    if path.is_dir():
        return _map_of_run(path, case_id, dataset)
    from uad_bench.data.nifti.read import read_any

    image = read_any(path, path.name)
    return image.array, image.affine


def _map_of_run(folder: Path, case_id: str, dataset: str) -> tuple[FloatArray, Affine]:
    from uad_bench.errors import unknown_name
    from uad_bench.results.find_runs import only_run
    from uad_bench.results.seal import verify_one

    run = only_run(folder)
    folder, grid = run.path, run.spec().protocol.grid
    found = [path for path in sorted(folder.glob("maps/*/*.npz")) if dataset in ("", path.parent.name)]
    match = [path for path in found if path.name.removesuffix(".npz") == case_id]
    if len(match) != 1:
        known = {path.name.removesuffix(".npz") for path in found}
        if match:
            raise UsageError(f"several datasets have a case {case_id!r}", hint="name the dataset")
        raise unknown_name(f"case of {run.name}", case_id, known)
    if run.state == "complete":
        verify_one(folder, match[0].relative_to(folder).as_posix(), run.name)
    values = run.read_map(match[0].parent.name, case_id)
    centre = np.zeros(3) if grid.centre == "brain" else np.array(grid.centre)
    affine = np.diag([*grid.spacing, 1.0])
    affine[:3, 3] = centre - np.array(grid.spacing) * (np.array(values.shape) - 1) / 2
    return values, affine
