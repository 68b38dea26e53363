"""Whether a folder holds a prediction already: what identifies it, and what must not be replaced.

The sidecar of the map is written twice: before all other files it says that the prediction is unfinished, and after
them it has the digest of each. So nothing that a kill or a full disk cut off counts as finished.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from uad_bench import __version__
from uad_bench.config import digest
from uad_bench.data.nifti.header_checks import nifti_header
from uad_bench.data.nifti.validation import location
from uad_bench.errors import UsageError
from uad_bench.pipeline.predict.model import TrainedModel
from uad_bench.pipeline.predict.paths import Output, Paths, paths_of, stem
from uad_bench.pipeline.predict.table import has_numbers
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.results import bids
from uad_bench.support.atomic_files import sha256
from uad_bench.types import Case

GENERATOR = {"Name": "uad-bench", "Version": __version__}
#: The keys of the sidecar for the digests of all files of a prediction, and for one that is not finished.
DIGESTS, UNFINISHED = "FilesSha256", "Unfinished"
#: Fields of a NIfTI header that a map takes over from its scan, beside the affine that is read.
PLACE = ("sizeof_hdr", "sform_code", "qform_code", "xyzt_units", "pixdim", "quatern_b", "quatern_c", "quatern_d",
         "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z")  # fmt: skip


def identity(model: TrainedModel, ready: PreparedCase) -> dict[str, Any]:
    """Keys of the sidecar that identify a prediction: equal keys, equal maps.

    Voxels are those of the files as they are stored. The place covers their affines and the header that the map takes
    over; the preparation covers the prepared image and brain mask, and where they lie.
    """
    case, record = ready.case, ready.record
    source = case.images[record["modalities"][0]]
    header = nifti_header(source, location(case.case_id, source))
    grids = {name: one["grid"] for name, one in record["sources"].items()}
    return {
        "CaseId": case.case_id,
        "Model": model.identity,
        "SourceVoxelsSha256": {name: one["voxels"] for name, one in record["sources"].items()},
        "SourcePlace": digest({"grids": grids, "header": [header[name].tolist() for name in PLACE]}),
        "Preparation": digest([ready.content, record["affine"], record["to_atlas"]]),
        "Declared": {"Stripped": case.stripped, "Orientation": case.orientation},
    }


def refuse_other_maps(model: TrainedModel, cases: Sequence[Case], to: Path) -> None:
    """Raise UsageError where the folder is a dataset of another program (UB231), where two cases would get the same
    name (UB230), or the folder holds a map of another model or program at the place of one of these (UB232)."""
    bids.refuse_other_dataset(to, GENERATOR)
    bids.refuse_twins("cases", ((case.case_id, stem(case.case_id)) for case in cases))
    for case in cases:
        path = paths_of(to, case.case_id, model).map
        there = bids.described(path)
        if path.exists() and there.get("Model") != model.identity:
            whose = there.get("Run", "another program")
            raise _exists(f"a map of {whose} exists already", path, "write to another folder")


def refuse_other_scan(model: TrainedModel, ready: PreparedCase, to: Path) -> None:
    """Raise UsageError (UB232) where the folder holds the map of another scan at the place of this one: another
    case, or images with other voxels. The same voxels with another header or another brain mask are the same scan."""
    path = paths_of(to, ready.case.case_id, model).map
    there = bids.described(path)
    if not path.exists() or "CaseId" not in there:
        return
    then = there.get("SourceVoxelsSha256")
    then = then if isinstance(then, Mapping) else {}
    now = {name: ready.record["sources"][name]["voxels"] for name in ready.record["modalities"]}
    if there["CaseId"] != ready.case.case_id or any(then.get(name) != one for name, one in now.items()):
        hint = "write to another folder, name the scan with --id, or replace the map with --fresh"
        raise _exists(f"a map of another scan exists already, its id is {there['CaseId']}", path, hint)


def _exists(what: str, path: Path, hint: str) -> UsageError:
    return UsageError(what, where=str(path), hint=hint, code="UB232")


def why_made_again(model: TrainedModel, ready: PreparedCase, output: Output) -> str | None:
    """None where all files of a prediction are there, of the same scan, model and version of uad-bench. Otherwise the
    reason to make it again, "" where there is no map yet."""
    paths = paths_of(output.to, ready.case.case_id, model)
    there = bids.described(paths.map)
    if not there or not (paths.map.exists() or UNFINISHED in there):
        return ""
    if UNFINISHED in there:
        return "the prediction in the folder was not finished"
    if there.get("GeneratedBy") != GENERATOR or DIGESTS not in there:
        return "the map in the folder is of an earlier version"
    differ = [key for key, value in identity(model, ready).items() if there.get(key) != value]
    if differ:
        return f"the map in the folder is of another scan, header, brain mask or declaration ({', '.join(differ)})"
    digests = there[DIGESTS]
    if not has_numbers(there) or not isinstance(digests, Mapping):
        return "the JSON file of the map was changed"
    changed = [path.name for path in paths.wanted(output) if not _is_same(path, digests)]
    return f"not there, or changed: {', '.join(changed)}" if changed else None


def _is_same(path: Path, digests: Mapping[str, str]) -> bool:
    try:
        return sha256(path) == digests.get(path.name)
    except OSError:
        return False


def file_digests(paths: Paths, output: Output) -> dict[str, str]:
    """The digests of all files of a prediction by name, for its sidecar."""
    return {path.name: sha256(path) for path in paths.wanted(output)}
