"""`leaderboard why A B`: in words, what keeps two runs out of one ranking, or that nothing does."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from uad_bench.results.run_directory import RunDir


def why(words: Sequence[Path]) -> None:
    """Say why the runs of the first two words are comparable or not; more words are folders to look for them in.

    Raises UsageError for other than two names, and for one that is of no run or of several.
    """
    from uad_bench.errors import UsageError
    from uad_bench.leaderboard.collect import summarise
    from uad_bench.leaderboard.comparability import verdict

    if len(words) < 2:
        hint = "uad-bench leaderboard why RUN RUN [FOLDERS]..."
        raise UsageError(f"`leaderboard why` takes two runs, got {len(words)}", hint=hint)
    one, other = (summarise(_find(str(word), words[2:] or [Path("runs")])) for word in words[:2])
    for line in verdict(one, other):
        typer.echo(line)


def _find(word: str, folders: Sequence[Path]) -> "RunDir":
    """The run in the folder `word`, or the only one in `folders` with `word` in its name."""
    from uad_bench.errors import UsageError, unknown_name
    from uad_bench.results.run_directory import find_runs

    if Path(word).is_dir():
        found, known = find_runs([Path(word)]), []
    else:
        known = find_runs([folder for folder in folders if folder.is_dir()])
        found = [run for run in known if word in run.name]
    exact = [run for run in found if run.name == word]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if not found:
        names = [run.name for run in known]
        near = get_close_matches(word, names, n=3, cutoff=0.4) or names[:3]
        raise unknown_name("run", word, near, hint="give its folder or a part of its name")
    few = ", ".join(run.name for run in found[:3]) + (" ..." if len(found) > 3 else "")
    raise UsageError(f"{word!r} is {len(found)} runs: {few}", hint="give the folder of one")
