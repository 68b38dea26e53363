"""`sensitivity`: one method under changes of the preparation."""

import re
from pathlib import Path
from typing import Annotated

import typer

from uad_bench.cli import options
from uad_bench.errors import UsageError

VARY = (
    "Changes, separated by commas or repeated: a step (left out, or added where the protocol lacks it), "
    "STEP.KEY=VALUE, or strip (the other skull-stripping tool)."
)
METRIC = (
    "A metric of a case, such as ap or dice@healthy_q98; default: the protocol's primary metric, per case."
)


def sensitivity(
    method: Annotated[
        str,
        typer.Argument(
            metavar="METHOD", help="A method, as in `run`.", autocompletion=options.names_of("method")
        ),
    ],
    vary: Annotated[list[str], typer.Option("--vary", help=VARY)],
    seeds: Annotated[
        str, typer.Option("--seeds", help="A number of seeds (5: seeds 0 to 4) or a list (0,1,2).")
    ] = "1",
    protocol: options.Protocol = "",
    test: options.Test = "",
    data: options.Data = [],
    set_: options.Set = [],
    config: options.Config = "",
    metric: Annotated[str, typer.Option("--metric", help=METRIC)] = "",
    to: Annotated[
        Path | None, typer.Option("--to", help="A .csv file for the numbers; default: none.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "auto",
    out: options.Out = Path("runs"),
    resume: Annotated[bool, typer.Option("--resume", help="Continue unfinished runs.")] = False,
    threads: Annotated[int, typer.Option("--threads", help="CPU threads; 0: all.", min=0)] = 0,
    workers: options.MetricWorkers = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Measure how results of a method depend on the preparation: the same seeds under each change of it.

    Runs under a changed preparation belong to protocols of their own and are never ranked with others. Complete runs
    are found again.
    """
    from uad_bench.leaderboard.render.sensitivity_table import as_csv, markdown
    from uad_bench.pipeline.run_job import Workplace
    from uad_bench.pipeline.sensitivity.compare import Sensitive, compare_preparations
    from uad_bench.pipeline.settings import parse_seeds
    from uad_bench.support import environment
    from uad_bench.support.atomic_files import require_writable, write_text

    options.show_messages(quiet, verbose)
    words = [
        word for text in vary for word in re.split(r",(?![^\[]*\])", text) if word
    ]  # not within [0, 100]
    if not words:
        raise UsageError("--vary names no change", hint="for instance --vary n4,histogram")
    place = Workplace(
        out,
        options.sources(data, workers),
        environment.resolve_device(device),
        threads or environment.threads(),
        resume,
    )
    if to and to.suffix != ".csv":
        raise UsageError(f"--to {to}", hint="give a file that ends in .csv")
    require_writable(out, place.sources.cache, *([to.parent] if to else []))
    asked = Sensitive(
        method, parse_seeds(seeds), words, protocol, options.names(test), options.all_settings(config, set_)
    )
    name, rows = compare_preparations(asked, place, metric)
    typer.echo(markdown(rows, name))
    if to:
        write_text(to, as_csv(rows))
        typer.echo(f"numbers: {to}")
