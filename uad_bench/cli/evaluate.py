"""`evaluate`: stored anomaly maps, or maps of another program, are evaluated without training."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from uad_bench.cli import options
from uad_bench.cli.leaderboard import print_tables, require_all
from uad_bench.errors import UsageError

if TYPE_CHECKING:
    from uad_bench.cohort.discovery import Sources

MAPS = "A folder of maps of any program (BIDS derivative names), or a CSV (case_id, file); default: none."

TRACK = (
    "With --maps: what the method learns from: healthy, features, synthetic, transductive or weak; it has a ranking "
    "with others of its track only. Default: healthy."
)
DEVICE = "auto, cpu, cuda or cuda:N: where the median filter is computed."


def evaluate(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Run folders, or folders of them.")
    ] = None,
    maps: Annotated[Path | None, typer.Option("--maps", help=MAPS)] = None,
    name: Annotated[
        str, typer.Option("--name", help="With --maps: the name of the method in tables; no default.")
    ] = "",
    desc: Annotated[
        str, typer.Option("--desc", help="With --maps: the `desc` of the files to take; default: any.")
    ] = "",
    protocol: options.Protocol = "",
    test: options.Test = "",
    seed: Annotated[int, typer.Option("--seed", help="With --maps: the seed of the method.", min=0)] = 0,
    track: Annotated[str, typer.Option("--track", help=TRACK)] = "",
    out: options.Out = Path("runs"),
    fresh: Annotated[bool, typer.Option("--fresh", help="With --maps: evaluate again.")] = False,
    data: options.Data = [],
    set_: options.Set = [],
    config: options.Config = "",
    workers: options.MetricWorkers = 0,
    device: Annotated[str, typer.Option("--device", help=DEVICE)] = "auto",
    trust: options.Trust = [],
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Evaluate stored anomaly maps again, without training: new metrics, thresholds or post-processing.

    With --set protocol.postprocess=... the results go to a new run, because they belong to another protocol; its folder
    is printed. With --maps FOLDER --name NAME, maps of another program are evaluated under a protocol and become a run
    "NAME:maps-only".
    """
    options.show_messages(quiet, verbose)
    if maps is None:
        if protocol or test or name or desc or seed or fresh or track or not runs:
            what = (
                "--name, --desc, --protocol, --test, --seed, --track and --fresh need --maps"
                if runs
                else "no run is named"
            )
            raise UsageError(what, hint="name folders of runs, or --maps FOLDER --name NAME")
        trusted = [*trust, *options.dataset_names(data)]
        sources = options.sources(data, workers)
        _evaluate_runs(runs, options.all_settings(config, set_), sources, device, trusted)
        return
    if runs or not name:
        hint = "uad-bench evaluate --maps FOLDER --name NAME --protocol PROTOCOL"
        raise UsageError("--maps takes --name and no run", hint=hint)
    from uad_bench.pipeline.maps_only.evaluate_maps import MapsOf, evaluate_maps
    from uad_bench.pipeline.run_job import Workplace
    from uad_bench.support.atomic_files import require_writable
    from uad_bench.support.environment import device_for_arrays

    of = MapsOf(
        maps, name, protocol, options.names(test), seed, desc, options.all_settings(config, set_), track
    )
    place = Workplace(out, options.sources(data, workers), device_for_arrays(device), fresh=fresh)
    require_writable(out, place.sources.cache)
    run = evaluate_maps(of, place)
    require_all(1, print_tables([run]))
    typer.echo(f"results: {run.path}")


def _evaluate_runs(
    runs: list[Path],
    settings: list[tuple[list[str], Any]],
    sources: "Sources",
    device: str,
    trusted: list[str],
) -> None:
    import logging

    from uad_bench.errors import PartialFailure, UadError
    from uad_bench.pipeline.foreign_code import require_installed_code
    from uad_bench.pipeline.reevaluate import reevaluate
    from uad_bench.results.find_runs import find_runs
    from uad_bench.results.readable import check_readable

    log = logging.getLogger(__name__)
    found, done, failed, new = find_runs(runs), [], [], []
    for directory in found:
        try:
            if (state := directory.state) != "complete":
                raise PartialFailure(f"the run is not complete, its state is {state!r}", where=directory.name)
            require_installed_code(directory, trusted)
            check_readable(directory)
            done.append(reevaluate(directory, settings, sources, device))
            new += [done[-1].path] if done[-1].path != directory.path.resolve() else []
        except UadError as error:
            failed.append(error)
            log.error("not evaluated: %s", error)
    refused = print_tables(done)
    for path in new:
        typer.echo(f"results: {path}")
    if len(failed) == len(found) == 1:
        raise failed[0]
    if failed:
        what = f"{len(failed)} of {len(found)} runs were not evaluated"
        raise PartialFailure(what, hint="see the lines above")
    require_all(len(done), refused)
