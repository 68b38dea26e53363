"""`run`: methods are trained, scored, evaluated and tabled."""

import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from uad_bench.cli import options
from uad_bench.cli import run_options as own
from uad_bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uad_bench.config import RunSpec
    from uad_bench.pipeline.matrix import Outcome

log = logging.getLogger(__name__)


def run(
    methods: own.Methods,
    seeds: own.Seeds = "1",
    protocol: options.Protocol = "",
    test: options.Test = "",
    data: options.Data = [],
    set_: options.Set = [],
    config: options.Config = "",
    device: options.Device = "auto",
    precision: own.Precision = "auto",
    out: options.Out = Path("runs"),
    resume: own.Resume = False,
    fresh: own.Fresh = False,
    threads: own.Threads = 0,
    workers: options.MetricWorkers = 0,
    on: own.On = "",
    only: own.Only = -1,
    record: own.Record = None,
    time_budget: own.TimeBudget = 0,
    checkpoint_minutes: own.CheckpointMinutes = 2,
    keep_maps: own.KeepMaps = "all",
    map_bits: own.MapBits = 32,
    skip_broken: options.SkipBroken = False,
    skip_missing: options.SkipMissing = False,
    fold: options.Fold = -1,
    splits: options.Splits = "",
    allow_leak: options.AllowLeak = False,
    fail_fast: own.FailFast = False,
    case_timeout: own.CaseTimeout = 0,
    log_: own.Log = [],
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Train methods, score and evaluate them, and print the leaderboard.

    Without --data this uses the synthetic cohort, which is generated once (one to two minutes).
    """
    from uad_bench.cli.engines.on import Typed, in_slots, on_slurm
    from uad_bench.pipeline.matrix import Matrix, execute
    from uad_bench.pipeline.requirements import require_no_case_limit
    from uad_bench.pipeline.run_job import Workplace
    from uad_bench.pipeline.settings import parse_seeds
    from uad_bench.support import environment
    from uad_bench.support.atomic_files import require_writable

    options.show_messages(quiet, verbose)
    _check_only(on, only, record)
    said, table = options.table(splits)
    limits = {
        "fold": None if fold < 0 else fold,
        "splits": said,
        "allow_leak": allow_leak,
        "precision": precision,
        "keep_maps": keep_maps,
        "map_bits": map_bits,
        "checkpoint_minutes": checkpoint_minutes,
        "time_budget_s": time_budget * 60 or None,
    }
    settings = options.all_settings(config, set_)
    tests = options.names(test)
    specs = Matrix(methods, parse_seeds(seeds), protocol, tests, settings=settings, limits=limits).specs()
    typed = Typed(on, threads, device, protocol, data, set_, config)
    place = Workplace(
        out,
        options.sources(data, workers, skip_broken, skip_missing),
        device if typed.is_slurm else environment.resolve_device(device),
        threads or environment.threads(),
        resume,
        fresh,
        progress=not quiet and sys.stderr.isatty(),
        fail_fast=fail_fast,
        case_timeout_s=case_timeout or None,
        trackers=options.trackers(log_),
        record=record,
    )
    require_no_case_limit(specs, place.case_timeout_s)
    if only < 0:  # not once more in each process of an engine
        _warn_of_unused(specs, place.sources.roots)
    require_writable(place.out, place.sources.cache)
    if typed.is_slurm:
        on_slurm(typed, specs, place)
        return
    began = time.monotonic()
    outcome = in_slots(typed, specs, place, table) if on else execute(_one(specs, only), place, table)
    if only < 0:
        log.info(f"{len(outcome.done)} runs in {time.monotonic() - began:.0f} s")
    _report(outcome, tables=only < 0)


def _report(outcome: "Outcome", *, tables: bool) -> None:
    """Print the tables and where the results are. Raises the error of the outcome, or of runs that no table shows."""
    from uad_bench.cli.leaderboard import print_tables, require_all

    refused = print_tables(outcome.done) if outcome.done and tables else ()
    _print_places(outcome)
    if outcome.error:
        raise outcome.error
    require_all(len(outcome.done), refused)


def _print_places(outcome: "Outcome") -> None:
    """Where the results and pictures of the runs are."""
    for directory in outcome.done:
        typer.echo(f"results: {directory.path}")
        for sheet in sorted(directory.path.glob("sheet*.png")):
            typer.echo(f"picture: {sheet}")


def _warn_of_unused(specs: "list[RunSpec]", roots: "Mapping[str, Path]") -> None:
    """Warn of datasets that --data names and no run trains or tests on."""
    from uad_bench import plugins

    used = {plugins.label(name) for spec in specs for name in (spec.protocol.train, *spec.test)}
    if unused := sorted(roots.keys() - used):
        protocol, tests = specs[0].protocol, ", ".join(specs[0].test)
        read = f"runs of protocol {protocol.name} train on {protocol.train} and test on {tests}"
        log.warning("--data %s: not used; %s (--protocol, --test)", ", ".join(unused), read)


def _check_only(on: str, only: int, record: Path | None) -> None:
    """Raise UsageError for options that exclude each other or make no sense alone."""
    if on and only >= 0:
        raise UsageError("--on and --only exclude each other", hint="--on carries out all runs of the matrix")
    if record and only < 0:
        raise UsageError("--record without --only", hint="it is for one run of the matrix")


def _one(specs: "list[RunSpec]", only: int) -> "list[RunSpec]":
    """The run with this number; all for -1. Raises UsageError for a number that the matrix does not have."""
    if only >= len(specs):
        raise UsageError(f"--only {only}", hint=f"the matrix has {len(specs)} runs, 0 to {len(specs) - 1}")
    return specs if only < 0 else [specs[only]]
