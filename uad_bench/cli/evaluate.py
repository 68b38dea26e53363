"""`evaluate`: stored anomaly maps are evaluated again, without training."""

from pathlib import Path
from typing import Annotated

import typer

from uad_bench.cli import options
from uad_bench.cli.leaderboard import print_tables


def evaluate(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or folders of them.")],
    data: options.Data = [],
    set_: options.Set = [],
    workers: options.Workers = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Evaluate stored anomaly maps again, without training: new metrics, thresholds or post-processing.

    With --set protocol.postprocess=... the results go to a new run, because they belong to another protocol.
    """
    from uad_bench.pipeline.reevaluate import reevaluate
    from uad_bench.results.run_directory import find_runs

    options.show_messages(quiet, verbose)
    done = [
        reevaluate(directory, options.settings(set_), options.sources(data, workers))
        for directory in find_runs(runs)
        if directory.state == "complete"
    ]
    print_tables(done)
