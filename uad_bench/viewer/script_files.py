"""Volumes and facts as small scripts: the only files that a page from file:// may load."""

import base64
import gzip
import json
from typing import Any

import numpy as np
import numpy.typing as npt

#: The function of the page that takes what a script brings.
RECEIVER = "uadReceive"


def script(name: str, value: Any) -> bytes:  # any JSON value
    """A script that hands a JSON value to the page under a name; equal content gives equal bytes."""
    return f"{RECEIVER}({json.dumps(name)}, {_json(value)});\n".encode("ascii")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True).replace("<", "\\u003c")


def packed_volume(volume: npt.NDArray[np.uint8], affine: npt.NDArray[np.float64]) -> str:
    """A volume (X, Y, Z) as a compressed NIfTI file in base64."""
    import nibabel as nib

    image = nib.Nifti1Image(volume, affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")  # type: ignore[no-untyped-call]
    return base64.b64encode(gzip.compress(image.to_bytes(), 9, mtime=0)).decode("ascii")
