"""The commands of `weights`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uad_bench.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uad_bench.errors import UadError
    from uad_bench.weights.bundle import Bundle

app = typer.Typer(
    help="Trained models and pretrained weights as bundles: push, pull, list, verify and import.",
    no_args_is_help=True,
)

SOURCE = "A folder of bundles, or hf://ORG/NAME[@REVISION]"
License = Annotated[
    str, typer.Option("--license", help="License of the weights, such as cc-by-4.0; default: none stated.")
]


@app.command()
def push(
    model: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a finished run; or a bundle.")],
    to: Annotated[str, typer.Option("--to", help=f"{SOURCE}.")],
    name: Annotated[str, typer.Option("--name", help="Name of the bundle; default: METHOD-PROTOCOL.")] = "",
    license_: License = "",
    terms: Annotated[
        str, typer.Option("--terms", help="Terms of the training data; default: what its adapter says.")
    ] = "",
    public: Annotated[
        bool, typer.Option("--public", help="Make a new repository public; default: private.")
    ] = False,
) -> None:
    """Write the model of a run as a bundle: weights, specification, landmarks, thresholds, model card and digests."""
    from uad_bench.weights.card import Said
    from uad_bench.weights.store import default_store
    from uad_bench.weights.transfer import push

    options.show_messages()
    bundle, new = push(model, to, Said(name, license_, terms), default_store(), public=public)
    typer.echo(f"{bundle.manifest.name}@{bundle.digest}")
    typer.echo(f"{_size(bundle)} {'written to' if new else 'was there already:'} {to}")


@app.command()
def pull(
    bundle: Annotated[str, typer.Argument(metavar="NAME@DIGEST", help="8 digits of the digest or more.")],
    source: Annotated[str, typer.Option("--from", help=f"{SOURCE}.")],
) -> None:
    """Copy a bundle to this machine, into $UAD_BENCH_WEIGHTS; its digests are compared before anything is read."""
    from uad_bench.weights.sources import source as source_of
    from uad_bench.weights.store import default_store, reference
    from uad_bench.weights.transfer import pull

    found, new = pull(reference(bundle), source_of(source), source, default_store())
    typer.echo(f"{found.manifest.name}@{found.digest}")
    typer.echo(f"{_size(found)} {'copied to' if new else 'was there already:'} {found.folder}")


@app.command("list")
def list_(
    source: Annotated[str, typer.Option("--from", help=f"{SOURCE}; default: this machine.")] = "",
) -> None:
    """List bundles: name, digest, size and kind; of hf://ORG/NAME the name and digest only.

    Damaged bundles are named, with exit code 5. Without damage, unusable bundles end with their own exit code, for
    instance 6 for a newer version.
    """
    from uad_bench.errors import UadError
    from uad_bench.weights.sources import source as source_of
    from uad_bench.weights.store import bundles_at, default_store

    if source.startswith("hf://"):
        for reference in source_of(source).references():
            typer.echo(f"{reference.name}@{reference.digest}")
        return
    if source:
        source_of(source)
    place = Path(source).expanduser() if source else default_store()
    found = bundles_at(place.absolute())
    for one in found:
        typer.echo(_fault(one) if isinstance(one, UadError) else _line(one))
    errors = [one for one in found if isinstance(one, UadError)]
    typer.echo(f"{_bundles(len(found) - len(errors))} in {place}")
    _raise_for(errors)


@app.command()
def verify(
    which: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BUNDLE]...",
            help="NAME@DIGEST, the folder of a bundle, or a folder of bundles; default: all of this machine.",
        ),
    ] = None,
) -> None:
    """Compare every file of bundles with its digest; all are compared, also after one that differs.

    Damaged bundles are named, with exit code 5. Without damage, unusable bundles end with their own exit code, for
    instance 6 for a newer version.
    """
    from uad_bench.errors import UadError

    checked, errors = 0, list[UadError]()
    for one in _chosen(which or []):
        try:
            if isinstance(one, UadError):
                raise one
            one.verify()
            checked += 1
            typer.echo(
                f"intact: {one.manifest.name}@{one.digest[:12]}, {len(one.manifest.files)} files, {_size(one)}"
            )
        except UadError as error:
            errors.append(error)
            typer.echo(_fault(error))
    typer.echo(f"{_bundles(checked)} {'is' if checked == 1 else 'are'} intact")
    _raise_for(errors)


@app.command("import")
def import_(
    name: Annotated[str, typer.Argument(help="Name of the weights, such as vgg19.")],
    file: Annotated[Path, typer.Argument(help="A state dict: .safetensors, or a PyTorch file.")],
    sha256: Annotated[
        str,
        typer.Option("--sha256", help="Digest of the file, 8 digits or more; default: what ends its name."),
    ] = "",
    terms: Annotated[
        str, typer.Option("--terms", help="Terms of use, for the record; default: none stated.")
    ] = "",
) -> None:
    """Store pretrained weights on this machine, as safetensors; methods take them as NAME@DIGEST."""
    from uad_bench.weights.pretrained import import_weights
    from uad_bench.weights.store import default_store

    bundle = import_weights(name, file, sha256, terms, default_store())
    facts = bundle.manifest.pretrained
    assert facts is not None
    typer.echo(f"{bundle.manifest.name}@{bundle.digest}")
    typer.echo(
        f"{_size(bundle)} in {bundle.folder}; name them as {name}@{facts.sha256[:12]}, the digest of {facts.file}"
    )


def _chosen(which: list[str]) -> "Iterator[Bundle | UadError]":
    from uad_bench.errors import UadError
    from uad_bench.weights.store import bundles, bundles_at, default_store

    for text in which:
        if inside := bundles_at(Path(text).absolute()):
            yield from inside
            continue
        try:
            yield _bundle(text)
        except UadError as error:
            yield error
    if not which:
        yield from bundles(default_store())


def _bundle(text: str) -> "Bundle":
    from uad_bench.errors import UsageError
    from uad_bench.weights.bundle import open_bundle
    from uad_bench.weights.store import default_store, is_reference, reference, stored_bundle

    if is_reference(text) and not Path(text).exists():
        return stored_bundle(reference(text), default_store())
    if not Path(text).is_dir():
        raise UsageError("no such folder", where=text, hint="give NAME@DIGEST or the folder of a bundle")
    return open_bundle(Path(text))


def _fault(error: "UadError") -> str:
    """The line of a bundle that differs from its digest, or that cannot be used for another reason."""
    from uad_bench.errors import IntegrityError

    return f"{'damaged' if isinstance(error, IntegrityError) else 'unusable'}: {error}"


def _raise_for(errors: "list[UadError]") -> None:
    """Raise what a command ends with: one error for all damaged bundles, or else the first of the others."""
    from uad_bench.errors import IntegrityError

    damaged = sum(isinstance(one, IntegrityError) for one in errors)
    if damaged:
        hint = "remove what is damaged, and pull or import it again"
        differ = "differs from its digest" if damaged == 1 else "differ from their digests"
        raise IntegrityError(f"{_bundles(damaged)} {differ}", hint=hint, code="UB510")
    if errors:
        raise errors[0]


def _line(bundle: "Bundle") -> str:
    manifest = bundle.manifest
    about = f"pretrained weights from {manifest.pretrained.file}" if manifest.pretrained else ""
    if manifest.model:
        one = manifest.model
        needs = one.source or "uad-bench"
        about = f"{one.method} seed {one.seed}, {one.protocol}, {'+'.join(one.modalities)}; needs {needs}"
    return f"{manifest.name}@{bundle.digest[:12]}  {_size(bundle):>9}  {about}"


def _bundles(count: int) -> str:
    return f"{count} bundle" if count == 1 else f"{count} bundles"


def _size(bundle: "Bundle") -> str:
    return f"{bundle.manifest.size / 1e6:.1f} MB"
