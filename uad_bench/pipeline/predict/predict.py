"""Many scans through one trained model: prepared, scored, written; a scan that fails stops no other."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uad_bench.data.scan_cases import ScanFiles
from uad_bench.data.scan_names import BRAIN_MASK
from uad_bench.errors import DataError, EnvironmentFault, UadError
from uad_bench.pipeline.predict import files
from uad_bench.pipeline.predict.finished import refuse_other_maps, refuse_other_scan, why_made_again
from uad_bench.pipeline.predict.model import TrainedModel
from uad_bench.pipeline.predict.paths import Output, paths_of
from uad_bench.pipeline.predict.prediction import Prediction, predict_one
from uad_bench.pipeline.predict.table import TABLE, write_table
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.prepare.prepare_cases import prepare_cases
from uad_bench.results import bids
from uad_bench.support.atomic_files import require_writable
from uad_bench.support.progress import Ticker
from uad_bench.types import Case, Orientation

log = logging.getLogger(__name__)

#: The dataset that scans of a user belong to; no adapter has this name.
DATASET = "scans"
WRITABLE = "name another folder with --to, or another cache with UAD_BENCH_CACHE"


@dataclass(frozen=True)
class Written:
    """A prediction on disk. about: the content of its sidecar; kept: it was there already."""

    case_id: str
    path: Path
    about: dict[str, Any]
    kept: bool = False


@dataclass(frozen=True)
class ScanFacts:
    """What a user says of scans: whether they are stripped (None: unknown), and which transform of a header holds."""

    stripped: bool | None = None
    orientation: Orientation | None = None


def as_cases(scans: Sequence[ScanFiles], facts: ScanFacts) -> list[Case]:
    """The scans as cases without a lesion mask; none of them is declared healthy. Raises the first fault of a scan."""
    for one in scans:
        if one.fault:
            raise one.fault
    return [
        Case(
            DATASET,
            one.case_id,
            one.subject_id,
            {name: path for name, path in one.files.items() if name != BRAIN_MASK},
            healthy=False,
            brain_mask=one.files.get(BRAIN_MASK),
            stripped=facts.stripped,
            orientation=facts.orientation,
        )
        for one in scans
    ]


def prepared(model: TrainedModel, cases: Sequence[Case]) -> tuple[list[PreparedCase], list[UadError]]:
    """The cases on the protocol's grid by the steps of the model, and an error for each that cannot be prepared."""
    sources = model.place.sources
    how = sources.preparation(model.spec.protocol, model.steps)
    done, failures = prepare_cases(cases, how)
    warn_again(done)
    return done, [error for _, error in failures]


def warn_again(cases: Sequence[PreparedCase]) -> None:
    """Log the warnings of cases from the cache; those of the others were logged while they were prepared."""
    for one in cases:
        for text in one.warnings if one.cached else ():
            log.warning("%s: %s", one.case.case_id, text)


def predictions(model: TrainedModel, cases: Sequence[Case]) -> Iterator[Prediction]:
    """The predictions of some cases, in memory, one at a time. Raises the first error."""
    done, failures = prepared(model, cases)
    if failures:
        raise failures[0]
    yield from (predict_one(model, ready) for ready in done)


def predict_to(
    model: TrainedModel,
    cases: Sequence[Case],
    output: Output,
    *,
    fresh: bool = False,
    faults: Sequence[UadError] = (),
) -> tuple[list[Written], list[UadError]]:
    """Write the predictions of some cases, and return them with an error for each case that failed.

    fresh: make again what is there already; faults: of scans that are no cases, which fail as well.

    Raises UsageError before any work for names that clash and for a folder of another program (UB230, UB231, UB232),
    EnvironmentFault where the folders cannot be written, and the first error where every case fails; nothing is then
    written.
    """
    refuse_other_maps(model, cases, output.to)
    require_writable(output.to, model.place.sources.cache, hint=WRITABLE)
    log.info("%s: prepare %d scans for protocol %s", model.spec.method, len(cases), model.spec.protocol.name)
    ready, failures = prepared(model, cases)
    failures = [*faults, *failures]
    done: list[Written] = []
    ticker = Ticker("predict")
    try:
        for number, one in enumerate(ready, start=1):
            found = _attempt(model, one, output, fresh=fresh)
            if isinstance(found, Written):
                done.append(found)
            else:
                failures.append(found)
            ticker(number, len(ready))
    finally:  # also after an interruption: the table has the maps that are there
        # Without a new map too: a prediction that had rows may have failed half-way.
        if done or (output.to / TABLE).exists():
            write_table(output.to)
    for failure in failures if done else failures[1:]:  # the first is raised where no scan has a map
        log.error("%s", failure)
    if not done:
        raise failures[0]
    return done, failures


def _attempt(model: TrainedModel, ready: PreparedCase, output: Output, *, fresh: bool) -> Written | UadError:
    """The prediction of one scan on disk, or its error, whatever a library raised at it."""
    case_id = ready.case.case_id
    try:
        return _written(model, ready, output, fresh=fresh)
    except UadError as error:
        return error
    except MemoryError:
        return EnvironmentFault("out of memory", where=case_id, hint="free some memory, and repeat the call")
    except Exception as error:  # of a library: one scan never ends the prediction of the others
        log.debug("%s", case_id, exc_info=True)
        what = f"cannot be predicted: {type(error).__name__}: {error}"
        return DataError(what, where=case_id, hint="look at the scan, or leave it out")


def _written(model: TrainedModel, ready: PreparedCase, output: Output, *, fresh: bool) -> Written:
    case_id = ready.case.case_id
    path = paths_of(output.to, case_id, model).map
    if not fresh:
        refuse_other_scan(model, ready, output.to)
        reason = why_made_again(model, ready, output)
        if reason is None:
            log.info("%s: predicted already (--fresh makes it again)", case_id)
            return Written(case_id, path, bids.described(path), kept=True)
        if reason:
            log.info("%s: predicted again: %s", case_id, reason)
    files.write_prediction(model, predict_one(model, ready), output)
    return Written(case_id, path, bids.described(path))
