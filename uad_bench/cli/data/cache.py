"""`cache list`, `cache verify` and `cache prune`: the prepared cases on this machine."""

import time
from typing import Annotated

import typer

app = typer.Typer(help="Prepared cases: list, verify and remove them.", no_args_is_help=True)

Dataset = Annotated[str, typer.Option("--dataset", help="Only entries of this dataset; default: of all.")]


@app.command("list")
def list_(dataset: Dataset = "") -> None:
    """One line per entry: dataset, case, modalities, number of steps, size, date."""
    from uad_bench.cohort.discovery import default_cache
    from uad_bench.prepare.cache.inventory import entries

    number = total = 0
    for one in entries(default_cache()):
        if dataset in {"", one.dataset}:
            day = time.strftime("%Y-%m-%d", time.gmtime(one.made))
            old = "" if one.current else "  (made by an older version)"
            words = "+".join(one.modalities)
            typer.echo(
                f"{one.dataset:<12} {one.case_id:<28} {words:<8} {one.steps} {one.size / 1e6:7.1f} MB {day}{old}"
            )
            number, total = number + 1, total + one.size
    typer.echo(f"{number} entries, {total / 1e6:.1f} MB, in {default_cache()}")


@app.command()
def verify(
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove damaged entries; they are prepared again.")
    ] = False,
) -> None:
    """Compare every file of the cache with its digest. Exit code 5 if one differs and is not removed."""
    from uad_bench.cohort.discovery import default_cache
    from uad_bench.errors import IntegrityError
    from uad_bench.prepare.cache import inventory

    bad = list(inventory.damaged(default_cache()))
    for folder in bad:
        typer.echo(f"{'removed' if remove else 'damaged'}: {folder}")
        if remove:
            inventory.remove(folder)
    if bad and not remove:
        what = f"{len(bad)} cache entries differ from what was written"
        raise IntegrityError(what, hint="`uad-bench cache verify --remove` removes them", code="UB506")
    typer.echo(f"{sum(1 for _ in inventory.entries(default_cache()))} entries are intact")


@app.command()
def prune(
    dataset: Dataset = "",
    older: Annotated[
        float, typer.Option("--older-than", help="Only entries made more than DAYS ago.", min=0)
    ] = 0,
    old: Annotated[bool, typer.Option("--old-versions", help="Only entries of older versions.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Every prepared case; synthetic cohorts and digests of files stay.")
    ] = False,
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be removed; remove nothing.")
    ] = False,
) -> None:
    """Remove entries by dataset, age or version, and temporary folders of killed processes."""
    from uad_bench.cohort.discovery import default_cache
    from uad_bench.errors import UsageError
    from uad_bench.prepare.cache import inventory

    if not (dataset or older or old or everything):
        hint = "choose --dataset, --older-than, --old-versions or --all"
        raise UsageError("no entries are selected", hint=hint)
    limit = time.time() - older * 86400
    doomed = [
        one.folder
        for one in inventory.entries(default_cache())
        if dataset in {"", one.dataset} and one.made <= limit and not (old and one.current)
    ]
    doomed += inventory.unfinished(default_cache())
    freed = 0 if dry else sum(inventory.remove(folder) for folder in doomed)
    typer.echo(
        f"{len(doomed)} entries {'would be removed' if dry else f'removed, {freed / 1e6:.1f} MB freed'}"
    )
