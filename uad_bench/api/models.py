"""Trained models on new scans."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uad_bench.api.arguments import AnyPath, options_of, paths_of, sources_of
from uad_bench.errors import UsageError
from uad_bench.types import FloatArray, Scan

if TYPE_CHECKING:
    from uad_bench.pipeline.predict.model import TrainedModel
    from uad_bench.pipeline.predict.prediction import Prediction


def predict(
    model: "AnyPath | TrainedModel",
    scans: AnyPath | Sequence[AnyPath],
    *,
    modality: str = "",
    stripped: bool | None = None,
    to: AnyPath | None = None,
    **more: Any,
) -> "list[Prediction]":
    """The predictions of a trained model for new scans (NIfTI files or folders), as `uad-bench predict` makes them.

    model: the folder of a complete run or of a weights bundle, NAME@DIGEST of a bundle on this machine, or what
    `load_model` returned; to: also write all files there. more: brain_mask, case_id, orientation, and unless the model
    is loaded already device, threads, workers, trusted. A prediction has `case_id`, `map` and `brain_mask` (each with
    `array` and `affine`), `background` and `volumes`. Raises the first error.
    """
    from uad_bench.pipeline.predict.files import write_prediction
    from uad_bench.pipeline.predict.finished import refuse_other_maps, refuse_other_scan
    from uad_bench.pipeline.predict.paths import Output
    from uad_bench.pipeline.predict.predict import WRITABLE, as_cases, predictions
    from uad_bench.pipeline.predict.scans import ScanOptions, scans_of
    from uad_bench.pipeline.predict.table import write_table
    from uad_bench.support.atomic_files import require_writable

    said = {key: more.pop(key, None) for key in ("brain_mask", "case_id", "orientation")}
    given = {key: str(value) for key, value in said.items() if value is not None}
    about = ScanOptions(modality, stripped=stripped, **given)
    trained = load_model(model, **more)
    cases = as_cases(scans_of(trained, paths_of(scans), about), about.facts)
    if to is not None:
        refuse_other_maps(trained, cases, Path(to))
        require_writable(Path(to), hint=WRITABLE)
    done = list(predictions(trained, cases))
    if to is not None:
        for one in done:
            refuse_other_scan(trained, one.prepared, Path(to))
        for one in done:
            write_prediction(trained, one, Output(Path(to)))
        write_table(Path(to))
    return done


def load_model(model: "AnyPath | TrainedModel", **more: Any) -> "TrainedModel":
    """The trained model of a run or of a bundle, for several calls. more: device, threads, workers, trusted.

    Raises UsageError for an unknown one of these, and for any of them with a model that is loaded already.
    """
    from uad_bench.pipeline.predict.model import TrainedModel, open_model
    from uad_bench.support.environment import resolve_device

    known = {"device": "auto", "threads": 0, "workers": 1, "trusted": ()}
    options: dict[str, Any] = known | options_of(more, known)
    if isinstance(model, TrainedModel):
        if more:
            what = f"the model is loaded already, and {', '.join(sorted(more))} cannot be changed"
            raise UsageError(what, hint="give it to load_model")
        return model
    return open_model(os.fspath(model), **options | {"device": resolve_device(options["device"])})


def score(model: "AnyPath | TrainedModel", scan: Scan) -> FloatArray:
    """The anomaly map (X, Y, Z) of a prepared scan, as the method returns it.

    Raises DataError for a scan that was prepared for another protocol (UB328, UB332).
    """
    from uad_bench.pipeline.predict.prediction import check_scan, raw_map

    trained = load_model(model)
    check_scan(trained, scan)
    return raw_map(trained, scan)


def prepare(
    scans: AnyPath | Sequence[AnyPath],
    *,
    protocol: str = "",
    model: "AnyPath | TrainedModel | None" = None,
    modality: str = "",
    stripped: bool | None = None,
) -> list[Scan]:
    """Scans on the grid of a protocol, or of the protocol of a model with what that learnt from its training scans.

    Raises UsageError for a protocol with a step that learns from training scans, which needs a model, and for a
    protocol beside a model; the first error of a scan that cannot be prepared.
    """
    from uad_bench.cohort.discovery import pinned_protocol
    from uad_bench.data.scan_files import find_scans
    from uad_bench.pipeline.predict.predict import ScanFacts, as_cases, warn_again
    from uad_bench.prepare.fit_steps import needs_fit
    from uad_bench.prepare.prepare_cases import prepare_cases

    if model is not None:
        if protocol:
            what = f"protocol {protocol!r} and a model, which has a protocol of its own"
            raise UsageError(what, hint="give one of the two")
        trained = load_model(model)
        chosen, steps = trained.spec.protocol, trained.steps
    else:
        chosen = pinned_protocol(protocol, {})
        steps = chosen.steps
        if needs_fit(steps):
            what = f"a step of protocol {chosen.name!r} learns from training scans"
            raise UsageError(what, hint="name a run: prepare(scans, model=RUN)", code="UB254")
    files = find_scans(paths_of(scans), chosen.modalities, modality)
    how = sources_of(None, 1).preparation(chosen, steps)
    done, failures = prepare_cases(as_cases(files, ScanFacts(stripped)), how)
    warn_again(done)
    if failures:
        raise failures[0][1]
    return [one.scan() for one in done]
