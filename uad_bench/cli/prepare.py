"""`prepare`: the scans of some datasets prepared for a protocol, without a run."""

from typing import TYPE_CHECKING, Annotated

import typer

from uad_bench.cli import options

if TYPE_CHECKING:
    from uad_bench.cohort.prepare_datasets import Shard

SHARD = "i/n: only every n-th case, from the i-th on, so that n jobs prepare all cases. Default: all."


def prepare(
    datasets: Annotated[list[str], typer.Argument(metavar="DATASET...", help="Datasets to prepare.")],
    protocol: options.Protocol = "",
    data: options.Data = [],
    set_: options.Set = [],
    config: options.Config = "",
    workers: options.Workers = 0,
    shard: Annotated[str, typer.Option("--shard", help=SHARD)] = "",
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
    part = _shard(shard)
    for one in prepare_datasets(datasets, pinned, over.datasets, sources, part):
        count = f"{len(one.cases)} of {one.found} cases{part} are prepared"
        typer.echo(f"{one.name}: {count} for {pinned.name} {pinned.fingerprint}, in {sources.cache}")
        for error in one.failures:
            typer.echo(f"  {error}", err=True)
        failed += len(one.failures)
    if failed:
        cases = "case" if failed == 1 else "cases"
        raise PartialFailure(f"{failed} {cases} cannot be prepared", hint="see the lines above")


def _shard(text: str) -> "Shard":
    """The share that --shard names, all cases for "". Raises UsageError for another form than i/n."""
    from uad_bench.cohort.prepare_datasets import Shard
    from uad_bench.errors import UsageError

    which, _, of = text.partition("/")
    if not text:
        return Shard()
    if not (which.isdecimal() and of.isdecimal() and 1 <= int(which) <= int(of)):
        raise UsageError(f"--shard {text!r}", hint="write i/n, from 1/n to n/n")
    return Shard(int(which), int(of))
