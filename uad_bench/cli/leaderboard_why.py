"""`leaderboard why`: why two runs are ranked together or not."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from uad_bench.errors import UsageError
    from uad_bench.results.run_directory import RunDir


def why(words: Sequence[Path]) -> None:
    """Print why two runs are comparable or not; words: the two runs, then folders in which they are searched.

    Raises UsageError with fewer than two words, where a word matches no run or several, and for one run twice.
    """
    from uad_bench.errors import UsageError
    from uad_bench.leaderboard.collect import summarise
    from uad_bench.leaderboard.comparability import explain

    if len(words) < 2:
        hint = "uad-bench leaderboard why RUN RUN [FOLDERS]..."
        raise UsageError(f"`leaderboard why` takes two runs, got {len(words)}", hint=hint)
    one, other = (_find(str(word), words[2:] or [Path("runs")]) for word in words[:2])
    if one.path.resolve() == other.path.resolve():
        raise UsageError(f"both words name the run {one.name}", hint="name two different runs")
    for line in explain(summarise(one), summarise(other)):
        typer.echo(line)


def _find(word: str, folders: Sequence[Path]) -> "RunDir":
    """The run in the folder `word`, or the only run in `folders` whose name contains `word`."""
    from uad_bench.errors import UsageError
    from uad_bench.results.find_runs import find_runs

    if Path(word).is_dir():
        found, known = find_runs([Path(word)]), []
    else:
        known = find_runs(folders)
        found = [run for run in known if word in run.name]
    exact = [run for run in found if run.name == word]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if not found:
        raise _no_run(word, [run.name for run in known], folders)
    first = ", ".join(run.name for run in found[:3]) + (" ..." if len(found) > 3 else "")
    raise UsageError(f"{word!r} matches {len(found)} runs: {first}", hint="give the folder of one run")


def _no_run(word: str, names: Sequence[str], folders: Sequence[Path]) -> "UsageError":
    """The error for a word that is in the name of no run, with the names of some that exist."""
    from uad_bench.errors import UsageError

    near = get_close_matches(word, names, n=3, cutoff=0.4) or names[:3]
    some = f", for instance {', '.join(near)}" if near else ""
    where = f"{len(names)} run{'' if len(names) == 1 else 's'} in {', '.join(map(str, folders))}{some}"
    hint = "give the folder of a run, or a part of its name"
    return UsageError(f"no run has {word!r} in its name", where=where, hint=hint, code="UB201")
