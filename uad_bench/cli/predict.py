"""`predict`: a trained model is used on new scans."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uad_bench.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uad_bench.pipeline.predict.predict import Written

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="The folder of a finished run or of a weights bundle, or NAME@DIGEST of a bundle on this machine.",
    ),
]
Scans = Annotated[
    list[Path], typer.Argument(metavar="SCAN...", help="NIfTI files, or folders of them (a BIDS tree, too).")
]
Modality = Annotated[
    str,
    typer.Option(
        "--modality",
        help="t1, t2, flair, pd or t1ce: of all images given; default: what ends their names (_T2w, _t2, _FLAIR).",
    ),
]
BrainMask = Annotated[
    str,
    typer.Option("--brain-mask", help="A brain mask on the grid of the only scan; default: by the protocol."),
]
Stripped = Annotated[
    bool | None,
    typer.Option("--stripped/--whole-head", help="What the scans hold; default: decided by their data."),
]
Id = Annotated[str, typer.Option("--id", help="The id of the only scan; default: by its name.")]
Orientation = Annotated[
    str, typer.Option("--orientation", help="sform or qform, where a header has both; default: sform.")
]
Threads = Annotated[
    int,
    typer.Option(
        "--threads",
        help="CPU threads; 0: as many as the run had. The last digits of results depend on it.",
        min=0,
    ),
]
PreparedGrid = Annotated[
    bool, typer.Option("--prepared-grid", help="Also write the raw map on the protocol's grid.")
]
Sheet = Annotated[bool, typer.Option("--sheet/--no-sheet", help="Draw a picture of each scan.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Compute existing predictions again.")]


def predict(
    model: Model,
    scans: Scans,
    to: options.Derivatives = Path("predictions"),
    modality: Modality = "",
    brain_mask: BrainMask = "",
    stripped: Stripped = None,
    id_: Id = "",
    orientation: Orientation = "",
    device: options.Device = "auto",
    threads: Threads = 0,
    workers: options.Workers = 0,
    prepared_grid: PreparedGrid = False,
    sheet: Sheet = True,
    fresh: Fresh = False,
    trust: options.Trust = [],
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Write the anomaly map of new scans in their own space, with volumes above healthy thresholds and a picture.

    No lesion mask is needed; the output makes no statement on whether a scan is healthy.
    """
    from uad_bench.errors import PartialFailure
    from uad_bench.pipeline.predict.model import open_model
    from uad_bench.pipeline.predict.paths import Output
    from uad_bench.pipeline.predict.predict import as_cases, predict_to
    from uad_bench.pipeline.predict.scans import ScanOptions, scans_of
    from uad_bench.support import environment
    from uad_bench.support.environment import resolve_device

    options.show_messages(quiet, verbose)
    said = ScanOptions(modality.lower(), brain_mask, id_, stripped, orientation)
    trained = open_model(
        model,
        device=resolve_device(device),
        threads=threads,
        workers=workers or environment.threads(),
        trusted=trust,
    )
    found = scans_of(trained, scans, said)
    cases = as_cases([one for one in found if not one.fault], said.facts)
    faults = [one.fault for one in found if one.fault]
    done, failed = predict_to(trained, cases, Output(to, prepared_grid, sheet), fresh=fresh, faults=faults)
    _print(done, to)
    if failed:
        raise PartialFailure(f"{len(failed)} of {len(found)} scans have no map", hint="see the lines above")


def _print(done: "Sequence[Written]", to: Path) -> None:
    """The volumes above the healthy thresholds for each scan, and where the maps are."""
    for one in done:
        volumes = [f"{t['Rule']} {t['VolumeMl']:.2f} ml" for t in one.about.get("Thresholds", [])]
        typer.echo(f"{one.case_id}: {', '.join(volumes) or 'the model has no healthy threshold'}")
    maps = "1 map" if len(done) == 1 else f"{len(done)} maps"
    typer.echo(
        f"{maps} in {to}; volumes in predictions.tsv. Scores are not probabilities, and volumes are not a diagnosis."
    )
