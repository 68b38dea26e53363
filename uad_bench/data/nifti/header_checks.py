"""The bytes of a NIfTI file, after checks that common readers leave out.

A gzip stream is read to its end, so that its checksum is verified. No more memory is allocated than the header
declares, and the header may not declare more than a file of this size can contain.
"""

import logging
import math
import zlib
from pathlib import Path
from typing import Any, Literal

from uad_bench.errors import DataError, IntegrityError

log = logging.getLogger(__name__)

GZIP = b"\x1f\x8b"
HEADER_BYTES = {348: "Nifti1Header", 540: "Nifti2Header"}
MAGIC = {348: b"n+1", 540: b"n+2"}
# Deflate cannot compress better than 1032 to 1 (RFC 1951: 258 bytes from at least 2 bits).
MOST_INFLATION = 1032
# Bytes that may follow the voxels; extensions may be longer where their own sizes say so.
SLACK = 1 << 20
#: Enough for the header and the first sizes behind it.
START = 1024
# The header lies within this many bytes of a file, compressed or not.
HEAD = 1 << 14
# zlib copies the input that it does not use: a whole file as one input would be copied for each of its members.
INPUT = 1 << 14
AGAIN = "download or copy the file again"


def nifti_bytes(path: Path, where: str) -> tuple[Any, bytes]:
    """The header (nibabel) and the whole uncompressed content of one `.nii` or `.nii.gz`.

    Raises DataError for a file that is missing, unreadable or empty (UB321), damaged or truncated (UB322), not NIfTI
    (UB323), or too small for the sizes in its header (UB324); IntegrityError for a stream far longer than its header
    declares (UB501).
    """
    raw = _raw(path, where)
    header, need = _header(_first_bytes(raw, where), where)
    most = len(raw) * MOST_INFLATION
    if raw.startswith(GZIP) and need > most:
        what = f"truncated: the header declares {need} bytes, the file cannot contain more than {most}"
        raise DataError(what, where=where, hint=AGAIN, code="UB324")
    content = _inflate(raw, need, where) if raw.startswith(GZIP) else raw
    if len(content) < need:
        what = f"truncated: {len(content)} of {need} bytes"
        raise DataError(what, where=where, hint=AGAIN, code="UB322")
    if len(content) > need:
        log.warning("%s: %d bytes after the voxels are ignored", where, len(content) - need)
    return header, content


def nifti_header(path: Path, where: str) -> Any:  # a class of nibabel, which is not typed
    """The header alone, with the checks that need no voxels. Raises as `nifti_bytes`."""
    return _header(_first_bytes(_raw(path, where, HEAD), where), where)[0]


def _raw(path: Path, where: str, most: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(most)
    except OSError as error:
        what = f"cannot read the file: {error.strerror or error}"
        raise DataError(what, where=where, hint="check the path and its permissions", code="UB321") from None
    if not raw:
        raise DataError("the file is empty", where=where, hint=AGAIN, code="UB321")
    if raw.startswith(b"version https://git-lfs"):
        hint = "run `git lfs pull`"
        raise DataError("a Git LFS pointer, its content is not fetched", where=where, hint=hint, code="UB323")
    if path.suffix.lower() == ".gz" and not raw.startswith(GZIP):
        raise DataError("not a gzip file", where=where, hint=f"a failed download? {AGAIN}", code="UB323")
    return raw


def _first_bytes(raw: bytes, where: str) -> bytes:
    if not raw.startswith(GZIP):
        return raw[:START]
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw, START)
    except zlib.error:
        raise DataError("the gzip stream is damaged", where=where, hint=AGAIN, code="UB322") from None


def _header(head: bytes, where: str) -> tuple[Any, int]:
    """The header, and the number of bytes that the file must have for it."""
    import nibabel as nib

    # The size of the header also gives the byte order; nibabel infers it from a field that may be damaged.
    order: Literal["little", "big"] = "little" if int.from_bytes(head[:4], "little") in MAGIC else "big"
    size = int.from_bytes(head[:4], order)
    if size not in MAGIC or len(head) < size:
        raise DataError("not a NIfTI file", where=where, hint=f"a failed download? {AGAIN}", code="UB323")
    header = getattr(nib, HEADER_BYTES[size])(head[:size], endianness=order, check=False)
    if bytes(header["magic"])[:3] != MAGIC[size]:
        hint = "convert it to a single .nii or .nii.gz file"
        raise DataError("not a single-file NIfTI", where=where, hint=hint, code="UB323")
    return header, _offset(header, head, order, where) + _voxel_bytes(header, where)


def _offset(header: Any, head: bytes, order: Literal["little", "big"], where: str) -> int:
    """The byte at which the voxels begin: beyond SLACK only behind an extension that has a size which fits."""
    size, offset = int(header["sizeof_hdr"]), float(header["vox_offset"])
    fits = math.isfinite(offset) and size <= offset
    if fits and offset >= SLACK:
        # Four bytes, the first above 0 where there are extensions; then of each its size, a multiple of 16.
        first = int.from_bytes(head[size + 4 : size + 8], order)
        fits = head[size : size + 1] > b"\0" and first % 16 == 0 and 16 <= first <= offset - size - 4
    if not fits:
        what = f"the header places the voxels at byte {offset:g}"
        raise DataError(what, where=where, hint=AGAIN, code="UB324")
    return int(offset)


def _voxel_bytes(header: Any, where: str) -> int:
    from nibabel.spatialimages import HeaderDataError

    axes = int(header["dim"][0])
    shape = tuple(int(n) for n in header["dim"][1 : 1 + axes])
    if not 1 <= axes <= 7 or min(shape) < 1:
        raise DataError(f"the header gives the shape {shape}", where=where, hint=AGAIN, code="UB324")
    try:
        dtype = header.get_data_dtype()
    except (HeaderDataError, KeyError):  # the latter for a code that no format has
        dtype = None
    if dtype is None or dtype.kind not in "iuf":
        what = f"voxels are neither integers nor real numbers (datatype {int(header['datatype'])})"
        raise DataError(what, where=where, hint="convert to int16 or float32", code="UB323")
    return math.prod(shape) * int(dtype.itemsize)


def _inflate(raw: bytes, need: int, where: str) -> bytes:
    """All members of a gzip file, to its end: at most `need` bytes and SLACK."""
    pieces, left, rest = [], need + SLACK, memoryview(raw)
    while rest[:2] == GZIP:
        stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while not stream.eof:
            chunk = rest[:INPUT]
            pieces.append(_piece(stream, chunk, left, where))
            left -= len(pieces[-1])
            rest = rest[len(chunk) - len(stream.unconsumed_tail) - len(stream.unused_data) :]
    if bytes(rest).strip(b"\0"):
        log.warning("%s: %d bytes after the end of the gzip stream are ignored", where, len(rest))
    return b"".join(pieces)


def _piece(stream: Any, data: memoryview, left: int, where: str) -> bytes:
    if not data:
        raise DataError("truncated: the gzip stream has no end", where=where, hint=AGAIN, code="UB322")
    if left <= 0:
        what = "the gzip stream is longer than its header declares"
        raise IntegrityError(what, where=where, hint="do not trust this file", code="UB501")
    try:
        piece: bytes = stream.decompress(data, left)
    except zlib.error:
        what = "damaged: the gzip checksum does not match"
        raise DataError(what, where=where, hint=AGAIN, code="UB322") from None
    return piece
