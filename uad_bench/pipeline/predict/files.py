"""The files of predictions: a BIDS derivative dataset with maps, brain masks, thresholds, volumes and pictures.

DIR/dataset_description.json   .bidsignore   predictions.tsv
DIR/sub-x/anat/sub-x_desc-METHODpostprocessed_scoremap.nii.gz      the map on the grid of the scan's file; .json, .png
DIR/sub-x/anat/sub-x_desc-METHODbrain_mask.nii.gz + .json          where the map has scores
DIR/sub-x/anat/sub-x_space-PROTOCOL_desc-METHODraw_scoremap.nii.gz the map as the method returned it, if asked for
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uad_bench import __version__
from uad_bench.data.nifti.header_checks import nifti_header
from uad_bench.data.nifti.read import Volume, read_volume
from uad_bench.data.nifti.validation import location
from uad_bench.data.nifti.write import write_volume
from uad_bench.errors import UsageError
from uad_bench.pipeline.predict.model import TrainedModel
from uad_bench.pipeline.predict.prediction import Prediction
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.results import bids
from uad_bench.support.atomic_files import write_json, write_text
from uad_bench.types import Case

GENERATOR = {"Name": "uad-bench", "Version": __version__}
TABLE = "predictions.tsv"
COLUMNS = ("case_id", "model", "rule", "threshold", "volume_ml", "share_of_brain", "brain_ml", "map")
NOTE = "Anomaly scores are not probabilities. Volumes above a threshold are not a diagnosis; no scan is called healthy."
ENTITIES = re.compile(r"sub-[A-Za-z0-9]+(_[a-z]+-[A-Za-z0-9]+)*")


@dataclass(frozen=True)
class Output:
    """Where predictions of a model go. prepared: with the raw map on the protocol's grid; sheet: with a picture."""

    to: Path
    prepared: bool = False
    sheet: bool = True


def stem(case_id: str) -> str:
    """The case in BIDS names: its id where that consists of BIDS entities, else `sub-` and its letters and digits.

    >>> stem("sub-01_ses-2_acq-iso"), stem("patient1_study1")
    ('sub-01_ses-2_acq-iso', 'sub-patient1study1')
    """
    return case_id if ENTITIES.fullmatch(case_id) else f"sub-{bids.value(case_id)}"


def map_path(to: Path, case_id: str, model: TrainedModel) -> Path:
    """The anomaly map of a case. Its name tells it from the raw map that `export` writes."""
    return _path(to, case_id, f"desc-{bids.value(model.spec.method)}postprocessed_scoremap")


def _path(to: Path, case_id: str, rest: str) -> Path:
    name = stem(case_id)
    folders = [part for part in name.split("_") if part.startswith(("sub-", "ses-"))]
    return to.joinpath(*folders, "anat", f"{name}_{rest}.nii.gz")


def identity(model: TrainedModel, ready: PreparedCase) -> dict[str, Any]:
    """Keys of the sidecar that identify a prediction: equal keys, equal maps."""
    sources = {name: one["voxels"] for name, one in ready.record["sources"].items()}
    return {"CaseId": ready.case.case_id, "Model": model.identity, "SourceVoxelsSha256": sources}


def refuse_other_maps(model: TrainedModel, cases: Sequence[Case], to: Path) -> None:
    """Raise UsageError where two cases would get the same name (UB230), or the folder holds a map of another model or
    another program at the place of one of these (UB232)."""
    bids.refuse_twins("cases", ((case.case_id, stem(case.case_id)) for case in cases))
    for case in cases:
        path = map_path(to, case.case_id, model)
        there = bids.described(path)
        if path.exists() and there.get("Model") != model.identity:
            hint = "write to another folder"
            whose = there.get("Run", "another program")
            raise UsageError(f"a map of {whose} exists already", where=str(path), hint=hint, code="UB232")


def is_finished(model: TrainedModel, ready: PreparedCase, output: Output) -> bool:
    """Whether all files of a prediction are there, from the same scan, model and version of uad-bench."""
    path = map_path(output.to, ready.case.case_id, model)
    there = bids.described(path)
    mine = identity(model, ready) | {"GeneratedBy": GENERATOR}
    same = all(there.get(key) == value for key, value in mine.items())
    others = [_raw_path(model, ready, output)] if output.prepared else []
    others += [_picture(path)] if output.sheet else []
    return same and all(one.is_file() for one in (path, _mask_path(model, ready, output), *others))


def _mask_path(model: TrainedModel, ready: PreparedCase, output: Output) -> Path:
    return _path(output.to, ready.case.case_id, f"desc-{bids.value(model.spec.method)}brain_mask")


def _raw_path(model: TrainedModel, ready: PreparedCase, output: Output) -> Path:
    space, method = (bids.value(word) for word in (model.spec.protocol.name, model.spec.method))
    return _path(output.to, ready.case.case_id, f"space-{space}_desc-{method}raw_scoremap")


def _picture(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".nii.gz") + ".png")


def write_prediction(model: TrainedModel, one: Prediction, output: Output) -> Path:
    """Write all files of a prediction, the map last; returns the map's path."""
    bids.begin(output.to, GENERATOR, f"*_scoremap.png\n{TABLE}\n")
    case, ready = one.prepared.case, one.prepared
    source = case.images[ready.record["modalities"][0]]
    header = nifti_header(source, location(case.case_id, source))
    path, about = map_path(output.to, case.case_id, model), _about(model, one)
    mask = _mask_path(model, ready, output)
    write_json(
        bids.sidecar(mask), about | {"Type": "Brain", "Description": "Voxels that have an anomaly score"}
    )
    write_volume(mask, one.brain_mask, header)
    if output.prepared:
        _write_raw(model, one, output, about)
    if output.sheet:
        _draw(model, one, _picture(path))
    write_json(
        bids.sidecar(path),
        about | {"PostProcessing": list(model.spec.protocol.postprocess)} | _numbers(one, mask),
    )
    write_volume(path, one.map, header)
    return path


def _write_raw(model: TrainedModel, one: Prediction, output: Output, about: Mapping[str, Any]) -> None:
    path, scan = _raw_path(model, one.prepared, output), one.prepared.scan()
    text = "Anomaly map on the protocol's grid as the method returned it: higher = more anomalous, 0 outside the brain"
    write_json(bids.sidecar(path), {**about, "Description": text, "PostProcessing": []})
    write_volume(path, Volume(one.raw, scan.affine))


def _about(model: TrainedModel, one: Prediction) -> dict[str, Any]:
    """The origin of a prediction."""
    spec, record = model.spec, one.prepared.record
    return identity(model, one.prepared) | {
        "Run": model.run.name,
        "Method": spec.method,
        "Parameters": spec.parameters,
        "Seed": spec.seed,
        "Protocol": f"{spec.protocol.name} version {spec.protocol.version}",
        "ProtocolFingerprint": spec.protocol.fingerprint,
        "Modalities": list(record["modalities"]),
        "SourceFiles": {name: found["name"] for name, found in record["sources"].items()},
        "BrainMaskFrom": next((s["figures"]["from"] for s in record["steps"] if "from" in s["figures"]), ""),
        "Warnings": [text for step in record["steps"] for text in step["figures"].get("warnings", [])],
        "ToAtlas": record.get("to_atlas"),
        "Interpolation": "linear",
        "GeneratedBy": GENERATOR,
    }


def _numbers(one: Prediction, mask: Path) -> dict[str, Any]:
    """Background, thresholds and volumes of a map, for its sidecar."""
    record = {
        "Description": "Anomaly map after post-processing: higher = more anomalous",
        "Note": NOTE,
        "Units": "arbitrary",
        "Background": one.background,
        "BackgroundMeaning": "outside the brain mask; below every score in the brain",
        "BrainMask": mask.name,
        "BrainVolumeMl": round(one.brain_ml, 3),
        "Thresholds": [_threshold(volume) for volume in one.volumes],
    }
    if not one.volumes:
        record["ThresholdsMissing"] = (
            "the run has no healthy quantile: its protocol names none, or no scan had role val"
        )
    return record


def _threshold(volume: Any) -> dict[str, Any]:
    rule = volume.threshold
    return {
        "Rule": rule.rule,
        "Value": rule.value,
        "HealthyShareAbove": rule.healthy_share,
        "HealthyScans": rule.n_cases,
        "VolumeMl": round(volume.ml, 4),
        "ShareOfBrain": round(volume.share, 6),
    }


def _draw(model: TrainedModel, one: Prediction, path: Path) -> None:
    from uad_bench.figures.prediction_sheet import PredictionImages, draw_prediction

    case = one.prepared.case
    modality = one.prepared.record["modalities"][0]
    image = read_volume(case.images[modality], case.case_id, case.orientation)
    spec = model.spec
    title = f"{case.case_id}, {modality}: {spec.method} seed {spec.seed}, {spec.protocol.name}"
    marks = [(v.threshold.rule, v.threshold.value, v.ml) for v in one.volumes]
    draw_prediction(path, PredictionImages(title, image, one.map, one.brain_mask, marks))


def write_table(to: Path) -> None:
    """predictions.tsv: one row for each map and threshold, of all predictions in the folder."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    for path in sorted(to.rglob("*_scoremap.nii.gz")):
        writer.writerows(_rows(path.relative_to(to), bids.described(path)))
    write_text(to / TABLE, text.getvalue())


def _rows(path: Path, about: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if "Background" not in about:
        return
    same = {
        "case_id": about["CaseId"],
        "model": about["Model"],
        "brain_ml": about["BrainVolumeMl"],
        "map": path.as_posix(),
    }
    for one in about["Thresholds"] or [{}]:
        keys = {
            "rule": "Rule",
            "threshold": "Value",
            "volume_ml": "VolumeMl",
            "share_of_brain": "ShareOfBrain",
        }
        yield same | {column: one.get(key, "n/a") for column, key in keys.items()}
