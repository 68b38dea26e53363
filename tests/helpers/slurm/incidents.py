"""What is done to the jobs of a trial; each incident gives the sentences that a table has of it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping

from tests.helpers.slurm import node
from tests.helpers.slurm.matrix import FILE, TrialMatrix, all_done, are_training, counted
from tests.helpers.slurm.watch import processes
from uad_bench.engines import matrix_file, states

#: A time limit of four minutes, with the signal two minutes before it: for a machine that is busy besides.
SHORT = FILE.replace("hours: 1\n", "hours: 0.0667\n").replace("signal_seconds: 40", "signal_seconds: 120")


def undisturbed(matrix: TrialMatrix) -> list[str]:
    """Nothing happens."""
    matrix.submit()
    matrix.finish()
    return [_again(matrix)]


def kills(matrix: TrialMatrix) -> list[str]:
    """Kill -9 of a job, kill -9 of its command alone, scancel; then `jobs --retry`."""
    matrix.submit()
    training = [one for one in matrix.wait(lambda now: are_training(now, 3)) if "step" in one.detail]
    alive = processes(matrix)
    os.kill(alive[training[0].number]["job"], signal.SIGKILL)
    os.kill(alive[training[1].number]["child"], signal.SIGKILL)
    subprocess.run(["scancel", training[2].queued.job if training[2].queued else ""], check=True)
    hit = {one.number for one in training[:3]}
    now = matrix.wait(lambda now: not {now[n].state for n in hit} & {"running", "waiting"})
    told = [f"{now[n].state} ({now[n].detail.split(';')[0]})" for n in sorted(hit)]
    assert {now[n].state for n in hit} == {"lost"}, told
    code, _ = matrix.jobs()
    assert code == 7, code
    retried = matrix.jobs("--retry")[1].splitlines()[0].partition(": ")[2]
    assert retried == "3 runs submitted again", retried
    matrix.finish()
    return [f"`jobs` (exit code {code}): {', '.join(told)}", f"`--retry`: {retried}", _again(matrix)]


def time_limits(matrix: TrialMatrix) -> list[str]:
    """Every training reaches its time limit twice, and one job is preempted besides."""
    matrix.submit()
    matrix.wait(lambda now: are_training(now, 4))
    node.ask(
        "sbatch",
        "--partition=high",
        "--cpus-per-task=1",
        "--mem=3000",
        "--wrap=sleep 5",
        "--output=/dev/null",
    )
    _until(node.has_preempted, 900)
    long = [one.number for one in matrix.states() if not one.label.startswith("thresh")]
    seen: set[str] = set()
    end = time.monotonic() + 1800
    while min(matrix.starts(number) for number in long) < 3:
        assert time.monotonic() < end, matrix.states()
        seen |= {one.state for one in matrix.states()}
        time.sleep(0.5)
    matrix.finish()
    starts = [matrix.starts(number) for number in long]
    return [
        f"`jobs` meanwhile: {', '.join(sorted(seen))}",
        f"starts of the trainings: {starts}",
        _again(matrix),
    ]


def node_down(matrix: TrialMatrix) -> list[str]:
    """Slurmd ends and comes back at once; then it stays away until Slurm gives its node up."""
    matrix.submit()
    matrix.wait(lambda now: are_training(now, 2))
    folder = os.environ["SLURM_CONF"].removesuffix("/slurm.conf")
    subprocess.run([node.SCRIPT, "restart-slurmd", folder], check=True)
    time.sleep(5)
    first = counted(matrix.states())
    subprocess.run([node.SCRIPT, "slurmd-down", folder], check=True)
    _until(lambda: "down" in node.ask("sinfo", "-h", "-o", "%T"))
    away = matrix.states()
    assert not {one.state for one in away} & states.TO_RETRY, away
    subprocess.run([node.SCRIPT, "slurmd-up", folder], check=True)
    matrix.open_gate()
    now = matrix.wait(lambda now: not {one.state for one in now} & {"running", "waiting"})
    assert all_done(now), now
    return [
        f"`jobs` after the restart: {first}; with the node down: {counted(away)}; at the end: {counted(now)}",
        _again(matrix),
    ]


def submitter_killed(matrix: TrialMatrix) -> list[str]:
    """The submitting process is killed after each of its submissions began, and the command is given again."""
    kills = 0
    for count in (1, 2, 3):
        submitting = subprocess.Popen(
            matrix.command(*matrix.on),
            env=matrix.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while submitting.poll() is None and _submissions(matrix) < count:
            time.sleep(0.01)
        kills += submitting.poll() is None
        submitting.kill()
        submitting.wait()
    assert kills, "the submitting process ended before it was killed"
    told = counted(matrix.states())
    matrix.submit()
    matrix.finish()
    return [f"killed {kills} times; `jobs` then: {told}", _again(matrix)]


def _submissions(matrix: TrialMatrix) -> int:
    try:
        return len(matrix_file.load(matrix.folder).submissions)
    except IndexError:
        return 0


def _again(matrix: TrialMatrix) -> str:
    """The same command once more: it must submit nothing."""
    before = _submissions(matrix)
    matrix.submit()
    assert _submissions(matrix) == before, (
        f"the command again submitted {_submissions(matrix) - before} arrays"
    )
    return "the command again submits nothing"


def _until(condition: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.5)


INCIDENTS: Mapping[str, tuple[Callable[[TrialMatrix], list[str]], str]] = {
    "undisturbed": (undisturbed, FILE),
    "kills": (kills, FILE),
    "time-limits": (time_limits, SHORT),
    "node-down": (node_down, FILE),
    "submitter-killed": (submitter_killed, FILE),
}
