"""`jobs`: where the runs of a folder stand, from their status and the queue of Slurm."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uad_bench.cli import options
from uad_bench.engines.command_words import for_shell, with_options, without
from uad_bench.errors import PartialFailure, UadError, UsageError

if TYPE_CHECKING:
    from uad_bench.engines.matrix_file import JobMatrix
    from uad_bench.engines.states import JobState

RETRY = "Submit failed, lost and cancelled runs again; complete ones stay."
CANCEL = "Cancel the jobs that wait or run; what they saved stays."


def jobs(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of runs (--out of run).")],
    retry: Annotated[bool, typer.Option("--retry", help=RETRY)] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help=CANCEL)] = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show the runs of a folder: done, running, waiting, failed, lost or cancelled.

    The state of a run is what its directory and the queue of Slurm say at this moment. Exit code 7 where runs failed
    or were lost.
    """
    from uad_bench.engines import matrix_file, states

    options.show_messages(quiet, verbose)
    if not folder.is_dir():
        raise UsageError("no such folder of runs", where=str(folder), hint="give --out of an earlier run")
    if retry and cancel:
        raise UsageError("--retry and --cancel exclude each other", hint="give one of them")
    found = matrix_file.matrices(folder)
    if (retry or cancel) and not found:
        hint = "runs of `run` without --on are continued by the command with --resume"
        raise UsageError("the folder has no runs that were started with --on", where=str(folder), hint=hint)
    loaded = {one: matrix_file.load(one) for one in found}
    skipped = _acted(loaded, retry, cancel)
    bad = [one for one in found for _ in _show(one)]
    others = _others(folder, found)
    if not (found or others):
        begin = for_shell(["run", "METHOD", "--out", str(folder)])
        raise UsageError(
            "no runs", where=str(folder), hint=f"give --out of an earlier run, or begin one: {begin}"
        )
    bad_others = [one for one, state in others.items() if state in states.BAD]
    if retry or cancel:
        _require_none_left(loaded, skipped, retry)
    elif bad or bad_others:
        raise _failure(folder, [loaded[one].is_slurm for one in bad] + [False for _ in bad_others])


def _acted(found: Mapping[Path, "JobMatrix"], retry: bool, cancel: bool) -> list[Path]:
    """Submit or cancel the jobs of all matrices, first of those of Slurm; the others are named, skipped and given.

    Raises the first error after all matrices had their turn; further ones are printed.
    """
    if not (retry or cancel):
        return []
    chosen = [one for one, matrix in found.items() if (matrix.is_slurm if retry else matrix.submissions)]
    errors: list[UadError] = []
    for one in sorted(chosen, key=lambda one: not found[one].is_slurm):
        try:
            _retry(one) if retry else _cancel(one)
        except UadError as error:
            errors.append(error)
    for other in errors[1:]:
        typer.echo(f"error[{other.code}]: {other}", err=True)
    if errors:
        raise errors[0]
    skipped = [one for one in found if one not in chosen]
    for one in skipped:
        typer.echo(f"{one.name}: skipped, its runs are no jobs of Slurm (--on {found[one].on})", err=True)
    return skipped


def _failure(folder: Path, of_slurm: Sequence[bool]) -> PartialFailure:
    """The error of runs that failed or were lost; of_slurm: whether each is a job of Slurm."""
    again = for_shell(["jobs", str(folder), "--retry"])
    hints = [f"`{again}` submits jobs of Slurm again"] if any(of_slurm) else []
    if not all(of_slurm):
        hints.append("the command of `run` with --resume continues runs of this machine")
    return PartialFailure(f"{len(of_slurm)} runs failed or were lost", hint="; ".join(hints))


def _require_none_left(found: Mapping[Path, "JobMatrix"], skipped: Sequence[Path], retry: bool) -> None:
    """Raise UsageError where skipped matrices have runs that were to be continued or ended."""
    from uad_bench.engines import jobs as engine
    from uad_bench.engines import states

    sought = states.TO_RETRY if retry else {states.RUNNING, states.WAITING}
    for one in skipped:
        matrix = found[one]
        count = sum(run.state in sought for run in states.states(one, matrix, engine.queue_of(matrix)))
        if count and retry:
            words = without(matrix.words, flags=["--fresh", "--resume"])
            again = for_shell(with_options(words, ["--resume", "--on", matrix.on]))
            hint = f"give the command again: {again}"
            raise UsageError(
                f"{count} runs of this machine are not submitted again", where=str(one), hint=hint
            )
        if count:
            hint = "end the process that carries them out; it saves their state"
            raise UsageError(f"{count} runs of this machine are not cancelled", where=str(one), hint=hint)


def _retry(folder: Path) -> None:
    from uad_bench.engines import jobs as engine

    typer.echo(f"{folder.name}: {engine.retry(folder)} runs submitted again")


def _cancel(folder: Path) -> None:
    from uad_bench.engines import jobs as engine

    typer.echo(f"{folder.name}: {len(engine.cancel(folder))} jobs cancelled")


def _show(folder: Path) -> "list[JobState]":
    """Print a matrix; its failed and lost runs."""
    from uad_bench.engines import jobs as engine
    from uad_bench.engines import matrix_file, states

    matrix = matrix_file.load(folder)
    queue = engine.queue_of(matrix)
    if queue.fault:
        typer.echo(f"warning: {queue.fault}: jobs that wait are not known", err=True)
    typer.echo(f"{folder.name}: {for_shell(with_options(matrix.words, ['--on', matrix.on]))}")
    for stage in ("prepare", "board"):
        of_stage = states.stage_states(folder, matrix, queue, stage)
        if of_stage:
            typer.echo(f"  {stage}: {_counted(of_stage)}")
            _lines([one for one in of_stage if one.state not in {states.DONE, states.WAITING}])
    runs = states.states(folder, matrix, queue)
    _lines(runs)
    typer.echo(f"  {len(runs)} runs: {_counted(runs)}")
    return [one for one in runs if one.state in states.BAD]


def _counted(found: "Sequence[JobState]") -> str:
    return ", ".join(f"{count} {state}" for state, count in Counter(one.state for one in found).items())


def _lines(found: "Sequence[JobState]") -> None:
    width = max((len(one.label) for one in found), default=0)
    for one in found:
        typer.echo(f"  {one.number:>4}  {one.label:<{width}}  {one.state:<9}  {one.detail}".rstrip())


def _others(folder: Path, matrices: Sequence[Path]) -> dict[str, str]:
    """Print the runs below a folder that belong to no matrix; their states by name."""
    from uad_bench.engines import matrix_file, states
    from uad_bench.results.find_runs import find_runs

    known = {
        run.path
        for one in matrices
        for number in range(len(matrix_file.load(one).runs))
        if (run := states.run_of(one, number))
    }
    rest = [run for run in find_runs([folder.resolve()]) if run.path not in known]
    found = [(run.name, *states.state_of_directory(run)) for run in rest]
    for name, state, detail in found:
        typer.echo(f"  {name}  {state:<9}  {detail}".rstrip())
    return {name: state for name, state, _ in found}
