"""Prepared cases: computed once, then taken from the cache without reading a voxel."""

import io
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.config import digest
from uad_bench.errors import DataError, EnvironmentFault, IntegrityError
from uad_bench.prepare.cache.entry import digests_match, entry_folder, read_entry, sources, write_entry
from uad_bench.prepare.cache.file_digests import file_digests, stored_digests
from uad_bench.prepare.chain import PreparedArrays, parse_steps, run_chain
from uad_bench.support.locks import locked, remove_left_lease
from uad_bench.types import Case, FloatArray, Scan, Truth

Steps = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class PreparedCase:
    """A case and its entry in the cache. Arrays are mapped from disk on access.

    cached: the entry, or that of its first steps, was there already, so that its warnings were not logged this time.
    """

    case: Case
    folder: Path
    record: Mapping[str, Any]
    cached: bool = field(default=False, compare=False)

    @property
    def warnings(self) -> list[str]:
        """What was read otherwise than expected from its files, and what the steps warned of."""
        notes = [
            f"{one['name']}: {text}"
            for one in self.record["sources"].values()
            for text in one.get("notes", ())
        ]
        notes += self.record.get("notes", ())
        return notes + [text for step in self.record["steps"] for text in step["figures"].get("warnings", [])]

    @property
    def content(self) -> str:
        """12 hex digits of the prepared voxels, masks included."""
        return digest(dict(self.record["content"]))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels (X, Y, Z), from the head of a file: nothing else is read."""
        z, x, y = _mapped(self.folder / "brain_mask.npy").shape
        return x, y, z

    @property
    def spacing(self) -> tuple[float, float, float]:
        """The voxel size (x, y, z) in mm."""
        x, y, z = (float(size) for size in np.linalg.norm(np.array(self.record["affine"])[:3, :3], axis=0))
        return x, y, z

    def has_empty_lesion_mask(self) -> bool:
        """Whether the case has a lesion mask, and no lesion voxel on the grid or outside it.

        The digest of the mask is not compared: an entry whose files have other lengths is prepared again before.
        """
        if "lesion_mask.npy" not in self.record["files"] or int(self.record["lost"]):
            return False
        return not _mapped(self.folder / "lesion_mask.npy").any()

    def scan(self) -> Scan:
        """The part of the case that a method receives: image, brain mask and geometry."""
        affine = np.array(self.record["affine"])
        image, brain_mask = self._array("image"), self._array("brain_mask")
        modalities = tuple(self.record["modalities"])
        return Scan(self.case.case_id, modalities, image, brain_mask, affine, self.spacing)

    def truth(self) -> Truth:
        """The part of the case for evaluation alone: the lesion mask, empty for a healthy case.

        Raises DataError where the case is not healthy and has no lesion mask (UB333).
        """
        if self.case.lesion_mask is not None:
            ignored = self._array("ignored") if "ignored.npy" in self.record["files"] else None
            lost = int(self.record["lost"])
            return Truth(self.case.case_id, self._array("lesion_mask"), lost, ignored)
        if not self.case.healthy:
            hint = "leave the case out of the evaluation"
            raise DataError("no lesion mask", where=self.case.case_id, hint=hint, code="UB333")
        return Truth(self.case.case_id, np.zeros(self._array("brain_mask").shape, dtype=np.bool_))

    def thumbnail(self) -> FloatArray:
        """The brain as 16 x 16 x 16 means, for the search for near duplicates."""
        small: FloatArray = np.load(self.folder / "thumbnail.npy", allow_pickle=False)
        return small

    def arrays(self) -> PreparedArrays:
        """The case in memory, for further steps."""
        scan, record = self.scan(), self.record
        masks = (
            self._array(name) if f"{name}.npy" in record["files"] else None
            for name in ("lesion_mask", "ignored")
        )
        lesions, ignored = masks
        return PreparedArrays(
            scan.image,
            scan.brain_mask,
            lesions,
            scan.affine,
            int(record["lost"]),
            list(record["steps"]),
            ignored,
            np.array(record["to_atlas"]),
            tuple(record.get("notes", ())),
        )

    def _array(self, name: str) -> npt.NDArray[Any]:
        """An array with the axes of `types`, mapped from disk, read-only.

        Raises IntegrityError where the entry was changed (UB506), which is checked once in a process.
        """
        if not _checked(self.folder, digest(dict(self.record["files"]))):
            what, hint = (
                "the cache entry was changed after it was made",
                "run `uad-bench cache verify --remove`",
            )
            raise IntegrityError(what, where=self.case.case_id, hint=hint, code="UB506")
        return np.moveaxis(_mapped(self.folder / f"{name}.npy"), 0, -1)


@lru_cache(maxsize=100_000)
def _checked(folder: Path, _digest: str) -> bool:
    record = read_entry(folder)
    return record is not None and digests_match(folder, record)


def _mapped(path: Path) -> npt.NDArray[Any]:
    """A .npy file mapped into memory, read-only. Not np.memmap: methods could read the name of its folder.

    The mapping is copy-on-write: code that ignores numpy's flag, as torch does, cannot crash or change the cache.
    """
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    # The length of the header follows its version, in two bytes or, from version 2.0 on, in four.
    end = (
        10 + int.from_bytes(data[8:10], "little")
        if data[6] == 1
        else 12 + int.from_bytes(data[8:12], "little")
    )
    shape, dtype = _header(data[:end])
    array = np.frombuffer(data, dtype=dtype, offset=end).reshape(shape)
    array.flags.writeable = False
    return array


@lru_cache(maxsize=1000)
def _header(header: bytes) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of an array from the header of its .npy file; numpy parses Python code, which takes long."""
    file = io.BytesIO(header)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _fortran, dtype = read(file)
    return shape, dtype


def find_prepared(
    case: Case, modalities: Sequence[str], steps: Steps, cache_dir: Path
) -> PreparedCase | None:
    """The case where it is in the cache, else None. Reads no voxel of a source file. Raises as `entry_folder`."""
    files = sources(case, modalities)
    stored = {role: stored_digests(source, case.case_id, cache_dir) for role, source in files.items()}
    digests = {role: one for role, one in stored.items() if one}
    if len(digests) < len(stored):
        return None
    folder = entry_folder(case, modalities, steps, digests, cache_dir)
    record = read_entry(folder)
    remove_left_lease(folder.with_suffix(".lock"))
    return PreparedCase(case, folder, record, cached=True) if record else None


def prepare_case(case: Case, modalities: Sequence[str], steps: Steps, cache_dir: Path) -> PreparedCase:
    """The case from the cache, prepared first where its entry is missing or incomplete.

    Raises what `run_chain` and `entry_folder` raise, and EnvironmentFault where the cache cannot be written.
    """
    files = sources(case, modalities)
    # The steps before a fitted step have an entry of their own: another fit starts there.
    first = next((i for i, step in enumerate(parse_steps(steps)) if step.is_fitted), 0)
    try:
        digests = {role: file_digests(source, case.case_id, cache_dir) for role, source in files.items()}
        folder = entry_folder(case, modalities, steps, digests, cache_dir)
        record = read_entry(folder)
        cached = record is not None
        remove_left_lease(folder.with_suffix(".lock"))
        if record is None:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with locked(folder.with_suffix(".lock"), wait=True):
                record = read_entry(folder)
                cached = record is not None
                if record is None:
                    before = prepare_case(case, modalities, steps[:first], cache_dir) if first else None
                    cached = before is not None and before.cached
                    result = run_chain(case, modalities, steps[first:], before.arrays() if before else None)
                    record = write_entry(case, result, digests, folder)
    except OSError as error:
        what = f"cannot write the cache: {error.strerror or error}"
        hint = "free some space, or name another cache folder"
        raise EnvironmentFault(what, where=str(cache_dir), hint=hint) from error
    return PreparedCase(case, folder, record, cached)
