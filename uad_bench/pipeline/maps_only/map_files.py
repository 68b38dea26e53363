"""Anomaly maps of other programs: which file belongs to which case, and its values on the protocol's grid."""

import logging
import os
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from uad_bench.cohort.cohort import Member
from uad_bench.data.nifti.read import Grid, read_file, read_grid
from uad_bench.data.nifti.validation import location
from uad_bench.errors import DataError, UsageError
from uad_bench.pipeline.maps_only.map_table import Key, check_files, only, read_table
from uad_bench.prepare.resampling.grid import same_grid, sample
from uad_bench.prepare.to_native import prepared_grid
from uad_bench.results import bids
from uad_bench.support.text import first_names
from uad_bench.types import BoolArray, FloatArray

log = logging.getLogger(__name__)

SUFFIX = re.compile(r"(?i)_scoremap\.nii(\.gz)?$")
#: Least share of a voxel of the protocol's grid that must lie in the brain of the file for a value of its own.
LEAST = 1e-3


def find_maps(source: Path, members: Sequence[Member], space: str, described: str = "") -> dict[Key, Path]:
    """The map of each case (dataset, case id) that has one.

    source: a folder of files with BIDS derivative names (`sub-X[_ses-Y][_space-S]_desc-D_scoremap.nii.gz`), or a CSV
    with the columns case_id (or DATASET/case_id) and file. described: the value of `desc` where the folder has several.
    Raises UsageError where there is no such file, for an unknown case id (UB201), for several maps of a case, maps of
    several programs, one file for several cases, a name that means cases of several datasets, a table that cannot be
    read or a map that is post-processed already (UB253); DataError where a map is no file (UB321).
    """
    if source.is_dir():
        found = _by_name(source, members, space, described)
        _refuse_several_programs(found.values())
        check_files(found.values())
        _refuse_shared(found)
        return found
    if not source.is_file():
        hint = "give a folder of maps with BIDS derivative names, or a CSV with the columns case_id and file"
        raise UsageError("no such folder or file of maps", where=str(source), hint=hint)
    found = read_table(source, _cases(members))
    check_files(found.values())
    _refuse_shared(found)
    for path in found.values():
        _refuse_processed(path)
    return found


def _cases(members: Sequence[Member]) -> dict[str, set[Key]]:
    """The cases that a case id may mean, or DATASET/case_id."""
    known: dict[str, set[Key]] = {}
    for member in members:
        key = member.case.dataset, member.case.case_id
        for name in (key[1], "/".join(key)):
            known.setdefault(name, set()).add(key)
    return known


def _names(members: Sequence[Member]) -> dict[str, set[Key]]:
    """The cases that the first part of a file's name may mean."""
    keys = [(m.case.dataset, m.case.subject_id, m.case.case_id) for m in members]
    named: dict[str, set[Key]] = {}
    for key, name in bids.names(keys).items():
        own = key[2] if key[2][:4] == "sub-" else f"sub-{bids.value(key[2])}"
        for one in (name, own):
            named.setdefault(one, set()).add((key[0], key[2]))
    return named


def _by_name(folder: Path, members: Sequence[Member], space: str, described: str) -> dict[Key, Path]:
    named = _names(members)
    found: dict[Key, list[Path]] = {}
    unknown: list[str] = []
    elsewhere: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if SUFFIX.search(path.name)):
        if described and _entity(path, "desc") != described:
            continue
        if _entity(path, "space") not in ("", bids.value(space)):
            elsewhere.append(path.name)
            continue
        name = re.split(r"_(space|desc|scoremap)", path.name)[0]
        if name in named:
            found.setdefault(only(name, named[name]), []).append(path)
        else:
            unknown.append(path.name)
    if elsewhere:
        what = "%d maps are in another space than the scans and protocol %s, and are not used: %s"
        log.warning(what, len(elsewhere), space, first_names(elsewhere, 3))
    if unknown:
        log.warning("%d maps belong to no case that is evaluated: %s", len(unknown), ", ".join(unknown[:3]))
    return {key: _only(paths) for key, paths in found.items()}


def _entity(path: Path, key: str) -> str:
    """The value of a BIDS entity in a file's name, "" where it has none."""
    return next(
        (one.removeprefix(f"{key}-") for one in path.name.split("_") if one.startswith(f"{key}-")), ""
    )


def _only(paths: Sequence[Path]) -> Path:
    """The map of a case: the one on the protocol's grid where there is one.

    A post-processed map is left out where there is a raw one. Raises UsageError for several maps, also of several
    programs, and for a post-processed map alone (UB253).
    """
    raw = [path for path in paths if not _is_processed(path)] or paths
    exact = [path for path in raw if _entity(path, "space")]
    left = exact or raw
    if len(left) > 1 or len({_entity(path, "desc") for path in raw}) > 1:
        what = f"several maps of a case: {', '.join(path.name for path in raw[:3])}"
        raise UsageError(what, hint="choose one with --desc", code="UB253")
    _refuse_processed(left[0])
    return left[0]


def _refuse_processed(path: Path) -> None:
    """Raise UsageError for a map whose sidecar names post-processing: the protocol's would be applied again (UB253)."""
    if _is_processed(path):
        hint = "give raw maps, for instance those of `predict --prepared-grid` with --desc METHODraw, or of `export`"
        raise UsageError("the map is post-processed already", where=path.name, hint=hint, code="UB253")


def _is_processed(path: Path) -> bool:
    return bool(bids.described(path).get("PostProcessing"))


def _refuse_several_programs(paths: Collection[Path]) -> None:
    """Raise UsageError for maps with different `desc`: a row of a table would mix the programs (UB253)."""
    counts = Counter(_entity(path, "desc") for path in paths)
    if len(counts) > 1:
        found = ", ".join(f"{name or 'none'} ({number} cases)" for name, number in sorted(counts.items()))
        hint = "choose one with --desc, or name the file of each case in a CSV"
        raise UsageError(f"the maps have several desc: {found}", hint=hint, code="UB253")


def _refuse_shared(found: Mapping[Key, Path]) -> None:
    """Raise UsageError where several cases have one file (UB253)."""
    owners: dict[str, Key] = {}
    for key, path in found.items():
        first = owners.setdefault(os.path.realpath(path), key)
        if first != key:
            what = f"cases {'/'.join(first)} and {'/'.join(key)} name the same map file"
            raise UsageError(what, where=str(path), hint="name the map of each case", code="UB253")


def on_protocol_grid(path: Path, member: Member) -> FloatArray:
    """The values of a map file on the grid of the prepared case, (X, Y, Z), 0 outside the brain.

    A file on that grid is taken as it is. A file on the grid of the scan's own file, with its axes in any order, is
    averaged over each voxel by world coordinates, brain voxels only. Raises DataError for another grid (UB328) and for
    NaN or Inf in the brain (UB326), and what the reader raises.
    """
    ready, case = member.prepared, member.case
    scan, where = ready.scan(), location(case.case_id, path)
    values, grid = read_file(path, where, case.orientation)
    mine = Grid(scan.shape, scan.affine)
    in_world = prepared_grid(ready.record, scan.shape)
    if same_grid(grid, mine) or same_grid(grid, in_world):
        return _finite(values, np.array(scan.brain_mask), where)
    native = read_grid(case.images[ready.record["modalities"][0]], case.case_id, case.orientation)
    if not same_grid(_upright(grid), _upright(native)):
        what = f"the map is on another grid: {grid}; the scan is {native}, the protocol's grid {mine}"
        hint = "resample the map to its scan, with the tool that made it"
        raise DataError(what, where=where, hint=hint, code="UB328")
    return _averaged(values, grid, in_world, np.array(scan.brain_mask), where)


def _upright(grid: Grid) -> Grid:
    """The same voxels with their axes as close to RAS+ as flips and swaps allow."""
    from nibabel import orientations

    turn = orientations.io_orientation(grid.affine)  # type: ignore[no-untyped-call]
    back = orientations.inv_ornt_aff(turn, grid.shape)  # type: ignore[no-untyped-call]
    x, y, z = (grid.shape[int(axis)] for axis in np.argsort(turn[:, 0]))
    return Grid((x, y, z), grid.affine @ back)


def _averaged(values: FloatArray, grid: Grid, target: Grid, brain: BoolArray, where: str) -> FloatArray:
    """The means of the brain voxels of a map over each brain voxel of `target`; the lowest where there is none."""
    inside = sample(brain.astype(np.float32), target, grid) >= 0.5
    values = _finite(values, inside, where)
    share = sample(inside.astype(np.float32), grid, target)
    known = brain & (share >= LEAST)
    if not known.any():
        raise DataError(
            "the map does not overlap the brain",
            where=where,
            hint="is it the map of this scan?",
            code="UB328",
        )
    total = sample(np.where(inside, values, np.float32(0)), grid, target)
    means = np.divide(total, share, out=np.zeros_like(total), where=known)
    missing = int((brain & ~known).sum())
    if missing:
        log.warning("%s: %d brain voxels lie outside the map and get its lowest score", where, missing)
    return np.where(brain, np.where(known, means, means[known].min()), np.float32(0))


def _finite(values: FloatArray, inside: BoolArray, where: str) -> FloatArray:
    """The values with 0 outside the brain. Raises DataError for NaN or Inf inside it (UB326)."""
    bad = int((~np.isfinite(values[inside])).sum())
    if bad:
        hint = "give every brain voxel a finite score"
        raise DataError(
            f"the map has {bad} NaN or Inf voxels in the brain", where=where, hint=hint, code="UB326"
        )
    return np.where(inside, values, np.float32(0))
