"""The one writer of NIfTI volumes: files are complete or absent, and equal volumes give equal bytes."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np

from uad_bench.data.nifti.orientation import transforms
from uad_bench.data.nifti.read import Volume
from uad_bench.support.atomic_files import write_bytes
from uad_bench.types import Affine

SCANNER = 1  # NIFTI_XFORM_SCANNER_ANAT (nifti1.h)


def write_volume(path: Path, volume: Volume[Any], like: Any = None) -> None:  # nibabel is untyped
    """Write a volume (X, Y, Z) as `.nii` or `.nii.gz`, float32 or, for a mask, uint8; affine in mm, RAS+.

    like: the header of a file on the same grid. Its orientation codes and quaternion are copied, so that the two
    files overlap in any viewer, whether it reads the sform or the qform. The file is replaced at once: a failure
    leaves the former file. Raises EnvironmentFault where the disk cannot be written.
    """
    data = nifti(volume, like)
    # No time stamp, so that equal volumes give equal files.
    write_bytes(path, gzip.compress(data, 6, mtime=0) if path.suffix == ".gz" else data)


def nifti(volume: Volume[Any], like: Any = None) -> bytes:
    """The bytes of the uncompressed file; NIfTI-2 where `like` is, else NIfTI-1."""
    import nibabel as nib

    second = like is not None and int(like["sizeof_hdr"]) == 540
    kind: Any = nib.Nifti2Image if second else nib.Nifti1Image
    array = volume.array.astype(np.uint8) if volume.array.dtype == np.bool_ else volume.array
    image = kind(array, volume.affine)
    image.header.set_xyzt_units("mm")
    _place(image, volume.affine, like)
    content: bytes = image.to_bytes()
    return content


def _place(image: Any, affine: Affine, like: Any) -> None:
    """Set sform and qform with their codes: those of `like`, in mm, which may disagree; `affine` where it has none.

    A quaternion cannot represent shear: the nearest rotation is stored.
    """
    codes = {name: 0 if like is None else int(like[f"{name}_code"]) for name in ("sform", "qform")}
    known = {} if like is None else transforms(like, "")[0]
    sform, qform = known.get("sform", affine), known.get("qform", affine)
    image.set_sform(sform, code=codes["sform"] or codes["qform"] or SCANNER)
    image.set_qform(qform, code=codes["qform"] or codes["sform"] or SCANNER, strip_shears=True)
