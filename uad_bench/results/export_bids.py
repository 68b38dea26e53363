"""Anomaly maps of finished runs on the grids of the scans' own files, as a BIDS derivative dataset.

DIR/dataset_description.json   .bidsignore
DIR/sub-x/anat/sub-x_desc-method_scoremap.nii.gz + .json        the map as the method returned it
DIR/sub-x/anat/sub-x_desc-methodrule_mask.nii.gz + .json        voxels of the evaluated map at or above a threshold;
                                                                  cases of test datasets only, which have thresholds
"""

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from uad_bench import __version__
from uad_bench.cohort.cohort import Member
from uad_bench.cohort.discovery import Sources
from uad_bench.config import RunSpec
from uad_bench.data.nifti.header_checks import nifti_header
from uad_bench.data.nifti.read import Volume, read_grid
from uad_bench.data.nifti.validation import location
from uad_bench.data.nifti.write import write_volume
from uad_bench.errors import DataError, EnvironmentFault, UadError, UsageError, unknown_name
from uad_bench.prepare.to_native import prepared_grid, to_native
from uad_bench.results import bids, run_cases
from uad_bench.results.run_directory import RunDir
from uad_bench.results.scored_maps import ScoredMaps
from uad_bench.support.atomic_files import json_bytes, write_json
from uad_bench.support.process_pool import each
from uad_bench.support.progress import Ticker
from uad_bench.types import FloatArray, Scored

log = logging.getLogger(__name__)

GENERATOR = {"Name": "uad-bench", "Version": __version__}
SCORED = ("test", "tune", "val")
#: In place of case ids: all cases that were scored.
EVERY = "all"


@dataclass(frozen=True)
class Item:
    """One map of one run. name: `sub-..` of its case; threshold: of `rule`, None where no mask is exported."""

    run: RunDir
    spec: RunSpec
    member: Member
    name: str
    rule: str = ""
    threshold: float | None = None
    prepared_grid: bool = False

    @property
    def has_mask(self) -> bool:
        """Whether a mask is exported: the rule has a threshold for the dataset of the case."""
        return self.threshold is not None

    @property
    def images(self) -> list[Path]:
        """The images to be written, relative to the folder of the dataset."""
        space = f"_space-{bids.value(self.spec.protocol.name)}" if self.prepared_grid else ""
        maps = [bids.image_path(self.name, self.spec.method, "scoremap", space)]
        masks = (
            [bids.image_path(self.name, f"{self.spec.method}{self.rule}", "mask")] if self.has_mask else []
        )
        return maps + masks

    @property
    def own(self) -> dict[str, str]:
        """Keys of the sidecar that identify this map."""
        return {"Run": self.run.name, "Dataset": self.member.case.dataset, "CaseId": self.member.case.case_id}


def export(
    runs: Sequence[RunDir],
    to: Path,
    sources: Sources,
    wanted: Collection[str],
    rule: str,
    *,
    prepared_grid: bool = False,
) -> tuple[int, list[UadError]]:
    """Write the maps of some complete runs under `to`; the number of maps written, and an error for each that failed.

    wanted: case ids, or dataset/case_id; empty: all test cases; "all": also the tune and val cases. rule: also write
    masks at this threshold. prepared_grid: the maps stay on the protocol's grid, bit by bit.

    Raises UsageError for an unknown case, rule or name before anything is written; the first error where no case can
    be exported, for instance because the data is not what the run was made on; IntegrityError where a run was edited.
    """
    _check_wanted(wanted, runs)
    items, failed = _planned(runs, sources, wanted, rule)
    if failed and not items:
        raise failed[0]
    items, asked = [replace(one, prepared_grid=prepared_grid) for one in items], len(items)
    _check_names(items, to)
    bids.begin(to, GENERATOR)
    ticker = Ticker("export")
    broken: list[UadError] = []
    for number, error in enumerate(each(partial(_attempt, to=to), items, sources.workers, _died), start=1):
        broken += [error] if error else []
        ticker(number, asked)
    return asked - len(broken), [*failed, *broken]


def _planned(
    runs: Sequence[RunDir], sources: Sources, wanted: Collection[str], rule: str
) -> tuple[list[Item], list[UadError]]:
    """The maps of all runs, and an error for each case and for each run without maps or data. Raises as `export`."""
    items, failed = list[Item](), list[UadError]()
    for run in runs:
        try:
            some, errors = plan(run, sources, wanted, rule)
        except DataError as error:
            some, errors = [], [error]
        items, failed = [*items, *some], [*failed, *errors]
    return items, failed


def _check_wanted(wanted: Collection[str], runs: Sequence[RunDir]) -> None:
    rows = [row for run in runs for row in run.table("splits.csv")]
    known = {name for row in rows if row["role"] in SCORED for name in _ids(row)}
    for name in wanted:
        if name not in known and name != EVERY:
            raise unknown_name("scored case", name, known)


def plan(
    run: RunDir, sources: Sources, wanted: Collection[str], rule: str
) -> tuple[list[Item], list[UadError]]:
    """The maps of a run to export, and an error for each case that cannot be. Raises as `export`."""
    run.verify(maps=True)
    spec, rows = run.spec(), run.table("splits.csv")
    if not (run.path / "maps").is_dir():
        raise DataError("the run kept no maps", where=run.name, hint="run it again with --keep-maps all")
    names = bids.names({_key(row): None for row in rows})
    chosen = {_key(row): row for row in rows if _is_wanted(row, wanted)}
    members, failed = run_cases.available(run, list(chosen.values()), sources)
    limits = _limits(run, [dataset for dataset, _, _ in chosen], rule)
    items = [Item(run, spec, one, names[_key(row)], rule, limits.get(row["dataset"])) for row, one in members]
    return items, failed


def _limits(run: RunDir, datasets: Sequence[str], rule: str) -> dict[str, float]:
    """The threshold of a rule by dataset, for those with thresholds: the test datasets. The others are said."""
    if not rule:
        return {}
    tests = {row["dataset"] for row in run.table("thresholds.csv")}
    without = [one for one in datasets if one not in tests]
    for one in dict.fromkeys(without):
        what = "%s: no mask of %d cases of %s: a threshold is of a test dataset (%s)"
        log.warning(what, run.name, without.count(one), one, ", ".join(sorted(tests)))
    return {one: threshold(run, one, rule) for one in dict.fromkeys(datasets) if one in tests}


def _key(row: Mapping[str, str]) -> bids.Key:
    return row["dataset"], row["subject_id"], row["case_id"]


def _ids(row: Mapping[str, str]) -> tuple[str, str]:
    return row["case_id"], f"{row['dataset']}/{row['case_id']}"


def _is_wanted(row: Mapping[str, str], wanted: Collection[str]) -> bool:
    """Whether a row is exported: test cases, or wanted cases that were scored."""
    if not wanted:
        return row["role"] == "test"
    return row["role"] in SCORED and any(name in wanted for name in (EVERY, *_ids(row)))


def threshold(run: RunDir, dataset: str, rule: str) -> float:
    """The threshold of a rule on a test dataset. Raises UsageError where the run has none (UB233)."""
    found = {row["rule"]: row for row in run.table("thresholds.csv") if row["dataset"] == dataset}
    if rule not in found:
        raise unknown_name(f"threshold rule of {run.name} on {dataset}", rule, found)
    if not found[rule]["value"]:
        why = found[rule]["reason"] or "it has one for each case"
        hint = f"choose among {', '.join(name for name, row in found.items() if row['value']) or 'none'}"
        raise UsageError(f"rule {rule} gave no threshold: {why}", where=run.name, hint=hint, code="UB233")
    return float(found[rule]["value"])


def _check_names(items: Sequence[Item], to: Path) -> None:
    """Raise UsageError where two maps would get the same file (UB230) or a file of another run exists (UB232)."""
    cases = [item.member.case for item in items]
    called = [item.name.partition("_")[0] for item in items]
    subjects = [f"{case.dataset}/{case.subject_id}" for case in cases]
    bids.refuse_twins("subjects", zip(subjects, called, strict=True))
    owners = [(" of ".join(reversed([*item.own.values()])), str(i)) for item in items for i in item.images]
    bids.refuse_twins("maps", owners)
    for item in items:
        for path in (to / image for image in item.images):
            there = bids.described(path)
            if path.is_file() and any(there.get(key) != own for key, own in item.own.items()):
                hint = "export to another folder"
                what = f"a map of {there.get('Run')}, {there.get('CaseId')}, exists already"
                what = what if there else "a map without a readable JSON file exists already"
                raise UsageError(what, where=str(path), hint=hint, code="UB232")


def _attempt(item: Item, to: Path) -> UadError | None:
    """Export one case; its error, or None."""
    try:
        write(item, to)
    except UadError as error:
        return error
    except Exception as error:  # of a library: one case never ends the export of the others
        what, where = f"cannot be exported: {type(error).__name__}: {error}", item.member.case.case_id
        return DataError(what, where=where, hint="look at the header of its image")
    return None


def _died(item: Item) -> UadError:
    """The error of a map whose worker process died."""
    hint = "most likely killed for memory: use fewer workers"
    return EnvironmentFault("not exported, a worker process died", where=item.member.case.case_id, hint=hint)


def write(item: Item, to: Path) -> None:
    """Write the map of one case, and the mask where a rule is given, each with its sidecar."""
    ready, case = item.member.prepared, item.member.case
    source = case.images[ready.record["modalities"][0]]
    native = read_grid(source, case.case_id, case.orientation)
    header = nifti_header(source, location(case.case_id, source))
    brain_mask = ready.scan().brain_mask
    prepared = prepared_grid(ready.record, ready.scan().shape)
    values = item.run.read_map(case.dataset, case.case_id)
    paths = [to / image for image in item.images]
    about = _about(item) | {"Description": "Anomaly map: higher = more anomalous, 0 outside the brain"}
    about |= {"Units": "arbitrary", "PostProcessing": []}
    if item.prepared_grid:
        _put(paths[0], Volume(values, ready.scan().affine), None, about | {"Interpolation": "none"})
    else:
        on_file, _ = to_native(values, brain_mask, prepared, native)
        _put(paths[0], Volume(on_file, native.affine), header, about)
    if item.threshold is None:
        return
    (scored,) = ScoredMaps(item.run, [item.member], item.spec)
    cleaned = _without_dropped(scored, item.threshold, item.spec)
    values, region = to_native(cleaned, scored.brain_mask, prepared, native)
    mask = region & (values >= item.threshold)
    steps = list(item.spec.protocol.postprocess)
    rule = {
        "Type": "Lesion",
        "ThresholdRule": item.rule,
        "Threshold": item.threshold,
        "PostProcessing": steps,
    }
    _put(paths[1], Volume(mask, native.affine), header, _about(item) | rule)


def _without_dropped(scored: Scored, threshold: float, spec: RunSpec) -> FloatArray:
    """The map, at its lowest score where post-processing of masks removes voxels above the threshold."""
    from uad_bench.evaluate import postprocess

    called = (scored.map >= threshold) & scored.brain_mask
    kept = called
    for step in postprocess.split(postprocess.parse(spec.protocol.postprocess))[1]:
        kept = step(kept)
    return np.where(called & ~kept, scored.map.min(), scored.map)


def _about(item: Item) -> dict[str, Any]:
    """The origin of a map, for its sidecar."""
    spec, record = item.spec, item.member.prepared.record
    modalities = list(record["modalities"])
    source = record["sources"][modalities[0]]
    return item.own | {
        "SubjectId": item.member.case.subject_id,
        "Role": item.member.role,
        "Method": spec.method,
        "Parameters": spec.parameters,
        "Seed": spec.seed,
        "Protocol": f"{spec.protocol.name} version {spec.protocol.version}",
        "ProtocolFingerprint": spec.protocol.fingerprint,
        "Modalities": modalities,
        "SourceFile": source["name"],
        "SourceVoxelsSha256": source["voxels"],
        "ScoredGridMm": list(spec.protocol.grid.spacing),
        "ToAtlas": record.get("to_atlas"),
        "Interpolation": "linear",
        "GeneratedBy": GENERATOR,
    }


def _put(path: Path, volume: Volume[Any], header: Any, about: Mapping[str, Any]) -> None:
    # The sidecar first, so that no image exists without its origin; an earlier image never has that of another.
    if path.is_file() and bids.described(path) != json.loads(json_bytes(about)):
        path.unlink()
    write_json(bids.sidecar(path), about)
    write_volume(path, volume, header)
