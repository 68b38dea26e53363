"""Stored anomaly maps as evaluation reads them: post-processed, with their lesion masks, one case at a time."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from uad_bench.cohort.cohort import Member
from uad_bench.config import RunSpec
from uad_bench.data.stratification import case_strata, load_band
from uad_bench.errors import EnvironmentFault
from uad_bench.results import run_directory
from uad_bench.support import environment
from uad_bench.types import BoolArray, Case, FloatArray, Scored, Truth

if TYPE_CHECKING:
    from uad_bench.evaluate.postprocess import Step

SPOOL = ".views-"


class ScoredMaps(Sequence[Scored]):
    """The post-processed maps of some members with their lesion masks; can be iterated several times.

    steps: the first post-processing steps of the protocol, by default all. A few maps are computed in parallel, ahead
    of the reader, and kept for the next pass: small sets in memory, large ones in a folder next to the maps that
    is removed with this object. raw: the same members without steps, whose maps are taken, so that each is unpacked
    once.
    """

    KEEP_VOXELS = 5e7  # of the grids: 300 MB with the masks

    def __init__(
        self,
        directory: run_directory.RunDir,
        members: Sequence[Member],
        spec: RunSpec,
        steps: "Sequence[Step] | None" = None,
        raw: "ScoredMaps | None" = None,
    ) -> None:
        from uad_bench.evaluate import postprocess

        self.members, self._directory = members, directory
        self._steps = postprocess.parse(spec.protocol.postprocess) if steps is None else tuple(steps)
        x, y, z = spec.protocol.grid.shape
        self._in_memory = len(members) * x * y * z < self.KEEP_VOXELS
        self._raw = raw
        self._kept: dict[int, Scored] = {}
        self._spooled: set[int] = set()
        self._spool: TemporaryDirectory[str] | None = None

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, index: int) -> Scored:  # type: ignore[override]  # no slices
        return next(self._some([range(len(self.members))[index]]))

    def __iter__(self) -> Iterator[Scored]:
        return self._some(range(len(self.members)))

    def shared(self, index: int) -> Scored:
        """The stored map of a member, kept for all sets that share it."""
        found = self._read(index)
        self._keep(index, found)
        return found

    def forget(self) -> None:
        """Drop what was kept for the next pass."""
        self._kept.clear()
        self._spooled.clear()
        if self._spool is not None:
            self._spool.cleanup()
            self._spool = None

    def _some(self, indices: Sequence[int]) -> Iterator[Scored]:
        n = environment.threads()
        with ThreadPoolExecutor(n) as pool:
            for i in range(0, len(indices), 2 * n):  # a window, so that few volumes are in memory
                window = indices[i : i + 2 * n]
                # Read here, not in the pool: numpy parses .npy headers with `ast`, which is not thread-safe
                # in CPython 3.11 (python/cpython issue 106905).
                read = [self._read(index) for index in window]
                for index, scored in zip(window, pool.map(self._ready, window, read), strict=True):
                    self._keep(index, scored)
                    yield scored

    def _ready(self, index: int, scored: Scored) -> Scored:
        return scored if index in self._kept or index in self._spooled else self._postprocessed(scored)

    def _keep(self, index: int, scored: Scored) -> None:
        if self._in_memory:
            # Nothing mapped: a mapping holds a file descriptor.
            self._kept.setdefault(index, replace(scored, whole_brain=None, image=None))
        elif index not in self._spooled:
            self._write(index, scored)
            self._spooled.add(index)

    def _write(self, index: int, scored: Scored) -> None:
        """Spool the brain alone, 4 bytes a voxel. Raises EnvironmentFault where the disk is full."""
        try:
            if self._spool is None:
                self._spool = TemporaryDirectory(dir=self._directory.path, prefix=SPOOL)
            folder = Path(self._spool.name)
            np.save(folder / f"{index}.npy", scored.map[scored.brain_mask])
            np.save(folder / f"{index}-brain.npy", np.packbits(scored.brain_mask))
        except OSError as error:
            what = f"cannot keep a post-processed map: {error.strerror or error}"
            raise EnvironmentFault(what, where=self._directory.name, hint="free some space") from error

    def _spooled_map(self, index: int, shape: tuple[int, ...]) -> tuple[FloatArray, BoolArray]:
        """What `_write` wrote; outside the brain the lowest score within, as post-processing leaves it."""
        assert self._spool is not None
        inside, packed = (np.load(Path(self._spool.name) / f"{index}{part}.npy") for part in ("", "-brain"))
        brain = np.unpackbits(packed, count=int(np.prod(shape))).astype(bool).reshape(shape)
        values = np.full(shape, inside.min(initial=np.inf) if inside.size else 0, np.float32)
        values[brain] = inside
        return values, brain

    def _read(self, index: int) -> Scored:
        """A case as it was kept, or as it was scored."""
        member = self.members[index]
        scan, case = member.prepared.scan(), member.case
        if index in self._kept:
            return replace(self._kept[index], whole_brain=scan.brain_mask, image=scan.image)
        if self._raw is not None and index not in self._spooled:
            return self._raw.shared(index)
        truth = member.prepared.truth()
        if index in self._spooled:
            values, brain = self._spooled_map(index, scan.shape)
        else:
            values = self._directory.read_map(case.dataset, case.case_id)
            brain = scan.brain_mask if truth.ignored is None else scan.brain_mask & ~truth.ignored
        return Scored(
            evaluation_id(case),
            values,
            # Masks are mapped from disk slice by slice; all that follows is faster in the memory order of the map.
            np.array(brain, order="C"),
            np.array(truth.lesion_mask, order="C"),
            scan.spacing,
            healthy=case.healthy,
            lesion_kind=case.lesion_kind,
            lost=truth.lost,
            whole_brain=scan.brain_mask,
            image=scan.image,
            strata=strata(case, truth, float(np.prod(scan.spacing))),
            ignored=None if truth.ignored is None else np.array(truth.ignored, order="C"),
        )

    def _postprocessed(self, raw: Scored) -> Scored:
        from uad_bench.evaluate import postprocess

        # The steps see the whole brain, as in `predict`, where nothing is known to be ignored.
        brain = raw.brain_mask if raw.ignored is None else np.array(raw.whole_brain, order="C")
        values, region = postprocess.apply(raw.map, brain, self._steps, raw.ignored)
        return replace(raw, map=values, brain_mask=region)


def evaluation_id(case: Case) -> str:
    """The id of a case in evaluation; two datasets may both have a "case01"."""
    return f"{case.dataset}/{case.case_id}"


def strata(case: Case, truth: Truth, voxel_mm3: float) -> dict[str, str]:
    """The strata of a case: site, scanner, age band and sex of the subject, and the band of its lesion load."""
    known = case_strata(case)
    if not case.healthy:
        voxels = int(np.count_nonzero(truth.lesion_mask)) + truth.lost
        known["load"] = load_band(voxels * voxel_mm3 / 1000)
    return known


def remove_spools(directory: run_directory.RunDir) -> None:
    """Remove the folders that a killed evaluation left."""
    for folder in directory.path.glob(f"{SPOOL}*"):
        shutil.rmtree(folder, ignore_errors=True)
