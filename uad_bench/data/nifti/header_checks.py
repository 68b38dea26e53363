"""The bytes of a NIfTI file, trusted only after the checks that plain readers leave out.

A gzip stream is read to its end, so that its checksum is verified; nothing is allocated beyond what the
header asks for, and the header is believed only as far as the file can back it.
"""

import logging
import math
import zlib
from pathlib import Path
from typing import Any, Literal

from uad_bench.errors import DataError, IntegrityError

log = logging.getLogger("uad_bench")

GZIP = b"\x1f\x8b"
HEADER_BYTES = {348: "Nifti1Header", 540: "Nifti2Header"}
MAGIC = {348: b"n+1", 540: b"n+2"}
# Deflate cannot compress better than 1032 to 1 (RFC 1951: 258 bytes from at least 2 bits).
MOST_INFLATION = 1032
SLACK = 1 << 20
# So much of a file holds its header, compressed or not.
HEAD = 1 << 14
# zlib copies what it is fed and does not use: all of a file at once would be copied for each of its members.
FED = 1 << 14
AGAIN = "download or copy the file again"


def nifti_bytes(path: Path, where: str) -> tuple[Any, bytes]:
    """The header (nibabel) and the whole uncompressed content of one `.nii` or `.nii.gz`.

    Raises DataError: missing, unreadable or empty file (UB321), damaged or truncated (UB322), not NIfTI
    (UB323), sizes that the file cannot hold (UB324); IntegrityError: a stream that goes on far beyond what
    its header declares (UB501).
    """
    raw = _raw(path, where)
    header, need = _header(_first_bytes(raw, where), where)
    most = len(raw) * MOST_INFLATION
    if raw.startswith(GZIP) and need > most:
        what = f"truncated: the header asks for {need} bytes, the file cannot hold more than {most}"
        raise DataError(what, where=where, hint=AGAIN, code="UB324")
    content = _inflate(raw, need, where) if raw.startswith(GZIP) else raw
    if len(content) < need:
        what = f"truncated: {len(content)} of {need} bytes"
        raise DataError(what, where=where, hint=AGAIN, code="UB322")
    if len(content) > need:
        log.warning("%s: %d bytes follow the voxels that the header declares", where, len(content) - need)
    return header, content


def nifti_header(path: Path, where: str) -> Any:  # a class of nibabel, which is not typed
    """The header alone, checked as far as it goes without the voxels. Raises as `nifti_bytes`."""
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
    if path.suffix == ".gz" and not raw.startswith(GZIP):
        raise DataError("not a gzip file", where=where, hint=f"a failed download? {AGAIN}", code="UB323")
    return raw


def _first_bytes(raw: bytes, where: str) -> bytes:
    if not raw.startswith(GZIP):
        return raw[: max(HEADER_BYTES)]
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw, max(HEADER_BYTES))
    except zlib.error:
        raise DataError("the gzip stream is damaged", where=where, hint=AGAIN, code="UB322") from None


def _header(head: bytes, where: str) -> tuple[Any, int]:
    """The header and the number of bytes that the file must hold for it."""
    import nibabel as nib

    # The size of the header tells the order of bytes too; nibabel would guess it from a number that may be damaged.
    order: Literal["little", "big"] = "little" if int.from_bytes(head[:4], "little") in MAGIC else "big"
    size = int.from_bytes(head[:4], order)
    if size not in MAGIC or len(head) < size:
        raise DataError("not a NIfTI file", where=where, hint=f"a failed download? {AGAIN}", code="UB323")
    header = getattr(nib, HEADER_BYTES[size])(head[:size], endianness=order, check=False)
    if bytes(header["magic"])[:3] != MAGIC[size]:
        hint = "convert it to one .nii or .nii.gz file"
        raise DataError("not a single-file NIfTI", where=where, hint=hint, code="UB323")
    return header, _needed(header, size, where)


def _needed(header: Any, size: int, where: str) -> int:
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
        what = f"voxels are neither integers nor real numbers (code {int(header['datatype'])})"
        raise DataError(what, where=where, hint="convert to int16 or float32", code="UB323")
    offset = float(header["vox_offset"])
    if not size <= offset < SLACK:
        raise DataError(f"the voxels begin at byte {offset:g}", where=where, hint=AGAIN, code="UB324")
    return int(offset) + math.prod(shape) * int(dtype.itemsize)


def _inflate(raw: bytes, need: int, where: str) -> bytes:
    """All members of a gzip file, to the end, at most `need` bytes and a little more."""
    pieces, left, rest = [], need + SLACK, memoryview(raw)
    while rest[:2] == GZIP:
        stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while not stream.eof:
            fed = rest[:FED]
            pieces.append(_piece(stream, fed, left, where))
            left -= len(pieces[-1])
            rest = rest[len(fed) - len(stream.unconsumed_tail) - len(stream.unused_data) :]
    if bytes(rest).strip(b"\0"):
        log.warning("%s: %d bytes follow the end of the gzip stream, ignored", where, len(rest))
    return b"".join(pieces)


def _piece(stream: Any, data: memoryview, left: int, where: str) -> bytes:
    if not data:
        raise DataError("truncated: the gzip stream has no end", where=where, hint=AGAIN, code="UB322")
    if left <= 0:
        what = "the gzip stream goes on beyond the size that its header declares"
        raise IntegrityError(what, where=where, hint="do not trust this file", code="UB501")
    try:
        piece: bytes = stream.decompress(data, left)
    except zlib.error:
        what = "damaged: the gzip checksum does not hold"
        raise DataError(what, where=where, hint=AGAIN, code="UB322") from None
    return piece
