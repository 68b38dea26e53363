"""NIfTI files: what is still read is the intact volume, or what the standard says of the bytes, with every warning.

"Silently different" is a volume or a place that is neither the intact one nor the one that the NIfTI standard defines
for the bytes of the file, decoded here without the reader; or one for which the reader decided something that the
standard does not (bytes after the end, a background, a unit, one of two transforms) without saying so.
"""

import gzip
import io
import json
import logging
import shutil
import struct
from contextlib import contextmanager

import nibabel as nib
import numpy as np

from tests.helpers.trials.judged import messages, unsound
from tests.helpers.trials.spoil import spoiled
from tests.helpers.trials.stock import cache
from uad_bench.data.nifti.background import without_background
from uad_bench.data.nifti.orientation import corner_voxels


def nifti(rng, stock, folder):
    """One of ten by `prepare`, the others by the reader alone."""
    return _prepared(rng, stock, folder) if rng.integers(10) == 0 else _read(rng, folder)


def _read(rng, folder):
    from tests.faults.test_fuzz import attempt, held, mutated, sound

    state = rng.bit_generator.state
    name, bad, holds = mutated(rng)
    rng.bit_generator.state = state
    intact, _packed = sound(rng)
    (folder / name).write_bytes(bad)
    try:
        with heard() as said:
            read = attempt(folder / name, holds)
        if read and not said and (fault := _unsaid(holds, held(holds)[0])):
            return f"{fault} without a warning"
        if read and not said and len(holds) != len(intact):
            return "another length without a warning"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    return None


def _unsaid(raw, values):
    """What the reader decides beyond the standard, of bytes that it read: there must be a warning."""
    header = nib.Nifti1Header(raw[:348], check=False)
    if int(header["xyzt_units"]) & 7 in {1, 3}:
        return "lengths in another unit"
    if without_background(values)[1]:
        return "a background set to 0"
    if not (header["sform_code"] and header["qform_code"]):
        return None
    header["pixdim"][0] = header["pixdim"][0] or 1  # the standard: 0 means 1
    try:
        other = header.get_qform()
    except Exception:
        return "a qform that cannot be used"
    far = corner_voxels(values.shape, other, header.get_sform())
    return f"sform and qform {far:.2f} voxels apart" if far > 0.51 else None


@contextmanager
def heard():
    """The warnings of the readers, kept from the terminal."""
    said, logs = [], [logging.getLogger(name) for name in ("uad_bench", "uad_datasets")]
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())
    before = [log.propagate for log in logs]
    for log in logs:
        log.addHandler(handler)
        log.propagate = False
    try:
        yield said
    finally:
        for log, propagate in zip(logs, before, strict=True):
            log.removeHandler(handler)
            log.propagate = propagate


def _prepared(rng, stock, folder):
    """A damaged file of one case: the case is refused, or said, or has the intact voxels; no other case changes."""
    sound, said = stock.prepared
    shutil.copytree(stock.data, folder / "data")
    files = sorted((folder / "data").glob("*.nii.gz"))
    path = files[rng.integers(len(files))]
    intact = path.read_bytes()
    path.write_bytes(bad := _bad(rng, intact))
    with cache(folder / "cache"):
        told = stock.call("prepare", "folder", *stock.source(folder / "data"), *stock.protocol())
    if fault := unsound(told):
        return f"{path.name}: {fault}"
    case, found = path.name.partition("_")[0], entries(folder / "cache")
    if lost := [name for name in sound if name != case and found.get(name) != sound[name]]:
        return f"{path.name}: other cases changed: {lost}"
    if case not in found:
        return None if told.code and f"({case}, " in told.err else f"{path.name}: the case is missing unsaid"
    new = [line for line in messages(told) - said if case in line]
    if found[case] == sound[case] or new or _valid(bad, intact):
        return None
    return f"{path.name}: other voxels without a warning"


def _bad(rng, packed):
    from tests.faults.test_fuzz import damaged, other_bytes, other_fields

    kind, raw = rng.integers(4), gzip.decompress(packed)
    if kind == 0:
        return damaged(rng, packed)
    if kind == 1:
        return spoiled(rng, packed)
    return gzip.compress(other_bytes(rng, raw, len(raw)) if kind == 2 else other_fields(rng, raw), 1)


def _valid(bad, intact):
    """Whether the file is whole, and says by the standard something else than the intact one."""
    try:
        raw = gzip.decompress(bad)
        one, other = (nib.Nifti1Image.from_stream(io.BytesIO(b)) for b in (raw, gzip.decompress(intact)))
        same = np.array_equal(one.affine, other.affine) and np.array_equal(one.dataobj, other.dataobj)
        return not same and struct.unpack_from("<i", raw)[0] == 348
    except Exception:
        return False


def entries(cache_dir):
    """The bytes of the prepared voxels by case."""
    return {
        json.loads(path.read_text())["case_id"]: {
            file.name: file.read_bytes() for file in path.parent.glob("*.npy")
        }
        for path in cache_dir.glob("prepared/*/*/record.json")
    }
