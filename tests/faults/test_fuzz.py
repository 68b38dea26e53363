"""R3: any bytes of a NIfTI file give one of our errors, or the volume that the NIfTI standard defines."""

import gzip
import resource
import struct

import nibabel as nib
import numpy as np
import pytest

from uad_bench.data.nifti.background import without_background
from uad_bench.data.nifti.read import read_any, read_grid, read_volume
from uad_bench.errors import UadError

#: Where a NIfTI-1 header keeps what decides how voxels are read (nifti1.h): offset and format of each field.
FIELDS = [
    (0, "i"), (40, "h"), (42, "h"), (44, "h"), (46, "h"), (48, "h"), (70, "h"), (72, "h"), (76, "f"), (80, "f"),
    (84, "f"), (88, "f"), (108, "f"), (112, "f"), (116, "f"), (252, "h"), (254, "h"), (256, "f"), (280, "f"),
    (292, "f"), (300, "f"), (312, "f"), (324, "f"), (344, "i"), (348, "i"),
]  # fmt: skip
WHOLE = [0, 1, -1, 2, 3, 4, 7, 16, 64, 255, 256, 32767, -32768]
REAL = [0.0, 1.0, -1.0, 0.5, 352.0, 353.0, 1e9, 1e38, -1e38, 1e-40, float("nan"), float("inf")]
KINDS = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
         1536: "f16"}  # fmt: skip


def sound(rng):
    """The bytes of an intact file, plain and compressed: a scan with a scale and both orientations."""
    shape = rng.integers(2, 12, 3)
    voxels = rng.integers(0, 900, shape).astype(rng.choice(["u1", "i2", "f4", "u2"]))
    affine = np.diag([*rng.uniform(0.5, 5, 3), 1.0])
    affine[:3, 3] = rng.uniform(-90, 90, 3)
    image = nib.Nifti1Image(voxels, affine, nib.Nifti1Header(endianness=rng.choice(["<", ">"])))
    image.set_data_dtype(voxels.dtype)
    image.set_qform(affine, code=1)
    image.header.set_slope_inter(*rng.choice([[1, 0], [2, -3], [0.25, 7]]))
    raw = image.to_bytes()
    return raw, gzip.compress(raw, int(rng.integers(1, 10)))


def other_bytes(rng, raw, most):
    """Change one to four of the first `most` bytes."""
    changed = bytearray(raw)
    for place in rng.integers(0, most, rng.integers(1, 5)):
        changed[place] = rng.choice([0, 1, 127, 128, 255, rng.integers(256)])
    return bytes(changed)


def other_fields(rng, raw):
    """Set one or two fields of the header to values that are hard to handle."""
    changed = bytearray(raw)
    for index in rng.integers(0, len(FIELDS), rng.integers(1, 3)):
        offset, kind = FIELDS[index]
        struct.pack_into(f"<{kind}", changed, offset, rng.choice(REAL if kind == "f" else WHOLE))
    return bytes(changed)


def damaged(rng, packed):
    """A compressed file that is cut, has a gap, is doubled, or has flipped bits after its first ten bytes."""
    begin, end = sorted(int(n) for n in rng.integers(10, len(packed), 2))
    piece = packed[begin:end]
    return [
        packed[:begin], packed[:begin] + packed[end:], packed[:end] + piece + packed[end:],
        packed[:begin] + bytes(len(piece)) + packed[end:], packed[:begin] + piece[::-1] + packed[end:],
        packed[:10] + other_bytes(rng, packed[10:], len(packed) - 10), packed + packed, packed + piece,
    ][rng.integers(8)]  # fmt: skip


def held(raw):
    """The voxels (X, Y, Z) and the sform of uncompressed NIfTI-1 bytes, decoded by the standard alone."""
    order = "<" if raw[:4] == struct.pack("<i", 348) else ">"
    axes, *shape = struct.unpack_from(f"{order}8h", raw, 40)
    (code,) = struct.unpack_from(f"{order}h", raw, 70)
    offset, slope, inter = struct.unpack_from(f"{order}3f", raw, 108)
    shape = shape[:axes]
    values = np.frombuffer(raw, order + KINDS[code], int(np.prod(shape)), int(offset)).reshape(
        shape, order="F"
    )
    if np.isfinite(slope) and slope:
        values = values.astype(np.float64) * slope + inter
    (placed,) = struct.unpack_from(f"{order}h", raw, 254)
    sform = (
        np.array([*struct.unpack_from(f"{order}12f", raw, 280), 0, 0, 0, 1]).reshape(4, 4) if placed else None
    )
    return values.reshape(shape[:3]).astype(np.float32), sform


def mutated(rng):
    """The name and the bytes of one damaged file, and its uncompressed bytes where it can be read."""
    raw, packed = sound(rng)
    kind = rng.integers(5)
    if kind == 0:
        return "v.nii.gz", damaged(rng, packed), raw
    bad = [raw, other_bytes(rng, raw, 352), other_fields(rng, raw), other_fields(rng, raw)][kind - 1]
    if kind == 1:
        bad = raw[: rng.integers(len(raw))] if rng.integers(2) else raw + bytes(rng.integers(1, 99))
    return ("v.nii.gz", gzip.compress(bad, 1), bad) if kind == 4 else ("v.nii", bad, bad)


def attempt(path, holds):
    """Read one damaged file: True where it was read correctly, False where it was refused in one line."""
    try:
        volume = read_volume(path, "case-1")
        assert read_grid(path, "case-1").shape == volume.grid.shape
    except UadError as error:
        assert error.exit_code in {3, 5}
        assert error.hint
        assert "case-1" in str(error)
        assert "\n" not in str(error)
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        values, sform = held(holds)
    np.testing.assert_allclose(volume.array, without_background(values)[0], rtol=1e-5, atol=1e-30)
    if sform is not None:
        mm = {1: 1000, 3: 0.001}.get(holds[123] & 7, 1)
        np.testing.assert_array_equal(volume.affine[:3], mm * sform[:3])
    return True


@pytest.mark.parametrize("times", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_r3_mutated_files_are_refused_in_one_line_or_read_rightly(tmp_path, times):
    rng = np.random.default_rng(3)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes = []
    for _ in range(times):
        name, bad, holds = mutated(rng)
        (tmp_path / name).write_bytes(bad)
        outcomes.append(attempt(tmp_path / name, holds))
    assert 0.2 < np.mean(outcomes) < 0.8
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 300 * 1024


def test_r3_what_was_mutated_is_read_when_it_is_sound(tmp_path):
    """For unchanged files the reader and the standard agree."""
    rng = np.random.default_rng(4)
    for number in range(20):
        raw, packed = sound(rng)
        for name, content in ((f"{number}.nii", raw), (f"{number}.nii.gz", packed)):
            (tmp_path / name).write_bytes(content)
            assert attempt(tmp_path / name, raw)


@pytest.mark.parametrize("times", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_r3_no_byte_of_a_compressed_body_changes_a_voxel_unseen(tmp_path, times):
    rng = np.random.default_rng(5)
    path, refused = tmp_path / "v.nii.gz", 0
    for _ in range(times):
        raw, packed = sound(rng)
        path.write_bytes(damaged(rng, packed))
        try:
            np.testing.assert_array_equal(read_any(path, "case-1").array, held(raw)[0])
        except UadError:
            refused += 1
    assert refused > times / 2
