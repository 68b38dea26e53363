"""The files of predictions: a BIDS derivative dataset with maps, brain masks, thresholds, volumes and pictures.

DIR/dataset_description.json   .bidsignore   predictions.tsv
DIR/sub-x/anat/sub-x_desc-METHODpostprocessed_scoremap.nii.gz      the map on the grid of the scan's file; .json, .png
DIR/sub-x/anat/sub-x_desc-METHODbrain_mask.nii.gz + .json          where the map has scores
DIR/sub-x/anat/sub-x_space-PROTOCOL_desc-METHODraw_scoremap.nii.gz the map as the method returned it, if asked for
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from uad_bench.data.nifti.header_checks import nifti_header
from uad_bench.data.nifti.read import Volume, read_volume
from uad_bench.data.nifti.validation import location
from uad_bench.data.nifti.write import write_volume
from uad_bench.pipeline.predict.finished import DIGESTS, GENERATOR, UNFINISHED, file_digests, identity
from uad_bench.pipeline.predict.model import TrainedModel
from uad_bench.pipeline.predict.paths import Output, paths_of
from uad_bench.pipeline.predict.prediction import Prediction
from uad_bench.pipeline.predict.table import TABLE
from uad_bench.results import bids
from uad_bench.support.atomic_files import write_json

RAW = "Anomaly map on the protocol's grid as the method returned it: higher = more anomalous, 0 outside the brain"
NOTE = (
    "Anomaly scores are not probabilities. Volumes above a threshold are not a diagnosis, and no statement is made on "
    "whether a scan is healthy."
)


def write_prediction(model: TrainedModel, one: Prediction, output: Output) -> Path:
    """Write all files of a prediction; returns the map's path. A picture and a raw map that are there are made anew.

    The sidecar of the map is written first, as that of an unfinished prediction, and last, with all digests.
    """
    bids.begin(output.to, GENERATOR, f"*_scoremap.png\n{TABLE}\n")
    case, ready = one.prepared.case, one.prepared
    source = case.images[ready.record["modalities"][0]]
    header = nifti_header(source, location(case.case_id, source))
    paths, about = paths_of(output.to, case.case_id, model), _about(model, one)
    output = replace(
        output,
        prepared=output.prepared or paths.raw.exists(),
        sheet=output.sheet or paths.picture.exists(),
    )
    write_json(bids.sidecar(paths.map), about | {UNFINISHED: True})
    text = {"Type": "Brain", "Description": "Voxels that have an anomaly score"}
    _put(paths.mask, one.brain_mask, about | text, header)
    if output.prepared:
        raw: dict[str, Any] = {"Description": RAW, "PostProcessing": []}
        _put(paths.raw, Volume(one.raw, ready.scan().affine), about | raw)
    if output.sheet:
        _draw(model, one, paths.picture)
    write_volume(paths.map, one.map, header)
    about |= {"PostProcessing": list(model.spec.protocol.postprocess)} | _numbers(one, paths.mask)
    write_json(bids.sidecar(paths.map), about | {DIGESTS: file_digests(paths, output)})
    return paths.map


def _put(path: Path, volume: Volume[Any], about: Mapping[str, Any], header: Any = None) -> None:
    """Write an image, then its sidecar: an image never has the sidecar of another one."""
    bids.sidecar(path).unlink(missing_ok=True)
    write_volume(path, volume, header)
    write_json(bids.sidecar(path), about)


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
        "Warnings": one.prepared.warnings,
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
