"""Volumes and facts as scripts: ASCII, no HTML, read back as they were."""

import base64
import gzip
import json

import nibabel as nib
import numpy as np

from uad_bench.viewer.script_files import packed_volume, script


def test_i17_untrusted_text_stays_a_string():
    text = script("index", {"id": "</script><b>\u202e\n'\""})
    inner = text.decode("ascii").removeprefix('uadReceive("index", ').removesuffix(");\n")
    assert json.loads(inner) == {"id": "</script><b>\u202e\n'\""} and b"<" not in text


def test_i17_a_volume_is_read_back_with_its_place():
    volume = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = (-10, -20, 5)
    packed = packed_volume(volume, affine)
    image = nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(packed)))
    assert np.array_equal(np.asarray(image.dataobj), volume) and np.array_equal(image.affine, affine)
    assert packed == packed_volume(volume, affine)
