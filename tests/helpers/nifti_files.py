"""Damaged NIfTI files, and the errors of the reader."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from uad_bench.data.nifti.read import read_volume
from uad_bench.errors import UadError

RAMP = np.arange(6 * 7 * 8, dtype=np.float32).reshape(6, 7, 8)


def refused(path: Path, exit_code: int = 3) -> str:
    """The error message for a file: one line that names the case and the file, with a hint."""
    with pytest.raises(UadError) as caught:
        read_volume(path, "case-1")
    line = str(caught.value)
    assert caught.value.exit_code == exit_code
    assert "\n" not in line
    assert "case-1" in line
    assert path.name in line
    assert caught.value.hint
    return line


def patched(path: Path, field: str, value: object) -> Path:
    """The file with one field of its header changed, byte for byte."""
    raw = gzip.decompress(path.read_bytes())
    header = nib.Nifti1Header(raw[:348], check=False)
    header[field] = value
    path.write_bytes(gzip.compress(header.binaryblock + raw[348:]))
    return path


def small_file(write_nifti, shape=(2, 2, 2), dtype=np.int16) -> Path:
    """A file with a few voxels."""
    return write_nifti("v.nii.gz", np.arange(np.prod(shape), dtype=dtype).reshape(shape))
