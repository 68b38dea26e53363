"""`prepare`: the scans of some datasets prepared for a protocol, without a run."""

from typing import Annotated

import typer

from uad_bench.cli import options


def prepare(
    datasets: Annotated[list[str], typer.Argument(metavar="DATASET...", help="Datasets to prepare.")],
    protocol: options.Protocol = "",
    data: options.Data = [],
    set_: options.Set = [],
    config: options.Config = "",
    workers: options.Workers = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Prepare every case of some datasets for a protocol, and report the cases that cannot be prepared.

    Prepared cases are kept in the cache, so that a repeated command or a run takes them from there. Steps that learn
    from training scans need the protocol's training set among DATASET or --data.
    """
    from uad_bench.cohort.discovery import pinned_protocol
    from uad_bench.cohort.prepare_datasets import prepare_datasets
    from uad_bench.errors import PartialFailure
    from uad_bench.support.atomic_files import require_writable

    options.show_messages(quiet, verbose)
    over = options.overrides(config, set_)
    pinned = pinned_protocol(protocol, over.protocol)
    sources, failed = options.sources(data, workers, skip_broken=True), 0
    require_writable(sources.cache)
    for one in prepare_datasets(datasets, pinned, over.datasets, sources):
        count = f"{len(one.cases)} of {one.found} cases are prepared"
        typer.echo(f"{one.name}: {count} for {pinned.name} {pinned.fingerprint}, in {sources.cache}")
        for error in one.failures:
            typer.echo(f"  {error}", err=True)
        failed += len(one.failures)
    if failed:
        cases = "case" if failed == 1 else "cases"
        raise PartialFailure(f"{failed} {cases} cannot be prepared", hint="see the lines above")
