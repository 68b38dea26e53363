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
    trust: options.Trust = [],
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Evaluate stored anomaly maps again, without training: new metrics, thresholds or post-processing.

    With --set protocol.postprocess=... the results go to a new run, because they belong to another protocol.
    """
    import logging

    from uad_bench.errors import PartialFailure, UadError
    from uad_bench.pipeline.foreign_code import require_installed_code
    from uad_bench.pipeline.reevaluate import reevaluate
    from uad_bench.results.find_runs import find_runs

    options.show_messages(quiet, verbose)
    log, settings = logging.getLogger(__name__), options.settings(set_)
    found, done, failed = find_runs(runs), [], []
    for directory in found:
        try:
            if (state := directory.state) != "complete":
                raise PartialFailure(f"the run is not complete, its state is {state!r}", where=directory.name)
            require_installed_code(directory, [*trust, *options.dataset_names(data)])
            done.append(reevaluate(directory, settings, options.sources(data, workers)))
        except UadError as error:
            failed.append(error)
            log.error("not evaluated: %s", error)
    print_tables(done)
    if len(failed) == len(found) == 1:
        raise failed[0]
    if failed:
        what = f"{len(failed)} of {len(found)} runs were not evaluated"
        raise PartialFailure(what, hint="see the lines above")
