"""`prepare`: the scans of some datasets prepared for a protocol, without a run."""

from typing import Annotated

import typer

from uad_bench.cli import options


def prepare(
    datasets: Annotated[list[str], typer.Argument(metavar="DATASET...", help="Datasets to prepare.")],
    protocol: options.Protocol = "",
    data: options.Data = [],
    set_: options.Set = [],
    workers: options.Workers = 0,
) -> None:
    """Prepare every case of some datasets for a protocol, and say what is wrong with the rest.

    Steps that learn from training scans need the protocol's training set among DATASET or --data.
    """
    from uad_bench.cohort.discovery import pinned_protocol
    from uad_bench.cohort.prepare_dataset import prepare_dataset, ready_steps
    from uad_bench.config import Overrides
    from uad_bench.errors import PartialFailure
    from uad_bench.pipeline.matrix import with_settings

    options.show_log()
    over = with_settings(Overrides(), options.settings(set_))
    pinned = pinned_protocol(protocol, over.protocol)
    sources, failed = options.sources(data, workers, skip_broken=True), 0
    steps = ready_steps(pinned, over.datasets, sources, datasets)
    for name in datasets:
        done, failures = prepare_dataset(name, over.datasets.get(name, {}), pinned, steps, sources)
        typer.echo(
            f"{name}: {len(done)} of {len(done) + len(failures)} cases are ready for {pinned.name} "
            f"{pinned.fingerprint}, in {sources.cache}"
        )
        for error in failures:
            typer.echo(f"  {error}", err=True)
        failed += len(failures)
    if failed:
        raise PartialFailure(
            f"{failed} case{'s' * (failed > 1)} cannot be prepared", hint="see the lines above"
        )
