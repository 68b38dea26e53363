"""Archives to unpack, and checks that nothing is left of a refused one."""

import io
import tarfile
import zipfile

import pytest

from uad_bench.data.archive.unpack import LOCK, unpack
from uad_bench.errors import DataError, IntegrityError

FILES = {"IXI002-Guys-0828-T2.nii.gz": b"two" * 700, "IXI012-HH-1211-T2.nii.gz": b"twelve" * 500}
TAR_MODES = {".tar": "w", ".tar.gz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz", ".tgz": "w:gz"}


def tar_of(path, files=FILES, mode="w", extra=()):
    """A tar of files by name, and of any other TarInfo."""
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in extra:
            tar.addfile(info, io.BytesIO(b"x" * info.size))
    return path


def zip_of(path, files=FILES):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def special(name, kind, target="/etc/passwd"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def tree(folder):
    """Every file below a folder by its relative name, the marker included."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def names(folder):
    return {path.name for path in folder.iterdir()}


def refused(archive, into, **limits) -> str:
    """The error message for a refused archive; nothing may exist afterwards."""
    around = sorted(into.parent.rglob("*"))
    with pytest.raises(IntegrityError) as caught:
        unpack(archive, into, **limits)
    line = str(caught.value)
    assert (caught.value.exit_code, caught.value.code) == (5, "UB504")
    assert "nothing was extracted" in line and archive.name in line and "\n" not in line
    assert sorted(into.parent.rglob("*")) == around
    return line


def assert_damaged(path, into):
    with pytest.raises(DataError) as caught:
        unpack(path, into)
    assert (caught.value.exit_code, caught.value.code) == (3, "UB322")
    assert not into.exists() or names(into) <= {LOCK}
