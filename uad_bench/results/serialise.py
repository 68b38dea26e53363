"""Maps, resamples and score histograms as bytes of files; equal content gives equal bytes. Pickle is never read."""

import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.types import BoolArray, FloatArray

Floats = npt.NDArray[np.floating[Any]]
Draws = Mapping[tuple[str, str, str], npt.NDArray[np.float64]]

#: The longest side of a map in voxels, and the most bytes that an archive of a run may unpack to.
LONGEST, LARGEST = 4096, 400_000_000
#: Errors of unpacking damaged or foreign bytes; RuntimeError where a flipped bit means "encrypted" or "other version".
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    RuntimeError,
    MemoryError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


def _check_sizes(data: bytes, *, arrays: bool = True) -> None:
    """Raise ValueError for an archive that unpacks to more than LARGEST bytes, or whose arrays claim another size."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        if sum(info.file_size for info in file.infolist()) > LARGEST:
            raise ValueError(f"the archive unpacks to more than {LARGEST} bytes")
        for info in file.infolist() if arrays else ():
            with file.open(info) as stream:
                if np.lib.format.read_magic(stream) != (1, 0):
                    raise ValueError("not an array of this version")
                shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
                if math.prod(shape) * dtype.itemsize != info.file_size - stream.tell():
                    raise ValueError(f"an array claims the shape {shape}")


def pack_map(values: FloatArray, brain_mask: BoolArray, bits: int) -> bytes:
    """The brain voxels of a map (X, Y, Z); outside the brain a map is 0 by contract.

    bits: 32 keeps every bit; 16 rounds to float16 after scaling by a power of two that avoids overflow: 11 bits of
    precision, in the same order except for scores that become equal.
    """
    inside = values[brain_mask]
    kept, exponent = narrowed(inside) if bits == 16 else (inside, 0)
    data = io.BytesIO()
    np.savez_compressed(
        data,
        values=kept,
        exponent=np.int64(exponent),
        shape=np.array(values.shape),
        brain=np.packbits(brain_mask),
    )
    return data.getvalue()


def unpack_map(data: bytes) -> FloatArray:
    """The map (X, Y, Z) that was packed. Raises one of UNREADABLE."""
    _check_sizes(data)
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        shape = tuple(int(n) for n in kept["shape"])
        if (
            len(shape) != 3
            or not all(0 < n <= LONGEST for n in shape)
            or math.prod(shape) > 8 * kept["brain"].size
        ):
            raise ValueError(f"no map has the shape {shape}")
        brain = np.unpackbits(kept["brain"], count=int(np.prod(shape))).astype(bool).reshape(shape)
        values = np.zeros(shape, np.float32)
        values[brain] = widened(kept["values"], int(kept["exponent"]) if "exponent" in kept else 0)
        return values


def narrowed(values: FloatArray) -> tuple[Floats, int]:
    """`values` / 2 ** exponent as float16; the exponent puts the largest of them between 2^14 and 2^15."""
    largest = float(np.abs(values).max(initial=0))
    exponent = int(np.frexp(largest)[1]) - 15 if largest else 0
    return np.ldexp(values, -exponent).astype(np.float16), exponent


def widened(values: Floats, exponent: int) -> Floats:
    """The inverse of `narrowed`, except for rounding; float32 is returned unchanged."""
    if values.dtype == np.float32:
        return values
    most = float(np.finfo(np.float32).max)  # which rounds up to a power of two that is none
    return np.clip(np.ldexp(values.astype(np.float64), exponent), -most, most).astype(np.float32)


def pack_draws(draws: Draws) -> bytes:
    """By dataset, group and metric, values (B,) under the patient resamples."""
    names = json.dumps(sorted(draws)).encode()
    values = np.array([draws[key] for key in sorted(draws)], np.float64)
    data = io.BytesIO()
    np.savez_compressed(data, names=np.frombuffer(names, np.uint8), values=values)
    return data.getvalue()


def unpack_draws(data: bytes) -> dict[tuple[str, str, str], npt.NDArray[np.float64]]:
    """What was packed. Raises one of UNREADABLE."""
    _check_sizes(data)
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        names = json.loads(kept["names"].tobytes())
        return {(d, g, m): row for (d, g, m), row in zip(names, kept["values"], strict=True)}


def pack_sketches(sketches: Mapping[str, bytes]) -> bytes:
    """The bytes of score histograms, by case."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for case_id in sorted(sketches):  # ZipInfo's own date, not today's
            file.writestr(zipfile.ZipInfo(case_id), sketches[case_id], zipfile.ZIP_DEFLATED)
    return data.getvalue()


def unpack_sketches(data: bytes) -> dict[str, bytes]:
    """What was packed. Raises one of UNREADABLE."""
    _check_sizes(data, arrays=False)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}
