"""F36 to F41: archives and two at once, through `data import`.

Met elsewhere, at the function below the verb: F36, F37, F38 in all their forms, tests/data/test_archive.py.
F39 another digest: tests/test_cli_data.py::test_f39_a_refused_import_is_one_line_and_leaves_nothing.
F40 kill -9 while extracting: tests/data/test_archive.py::test_f40_kill_while_extracting_then_again_equals_undisturbed.
F41 two processes and one entry: tests/prepare/test_cache.py::test_two_processes_that_race_end_with_one_entry.
"""

import io
import multiprocessing
import os
import signal
import tarfile
import time
import zipfile

import pytest


def tar(path, *infos):
    """A gzipped tar of the members given, after a sound one."""
    with tarfile.open(path, "w:gz") as packed:
        for info in (member("set/h00_t2.nii.gz"), *infos):
            packed.addfile(info, io.BytesIO(b"x" * info.size))
    return path


def member(name, kind=tarfile.REGTYPE, target="", size=1):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size if kind == tarfile.REGTYPE else 0
    return info


def bomb(path):
    """A zip whose one member shares its bytes with a thousand others: 1 GB for each MB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        packed.writestr("zeros.nii", bytes(64 << 20))
        (info,) = packed.infolist()
        packed.filelist += [zipfile.ZipInfo.from_file(path, f"{n}.nii") for n in range(1000)]
        for other in packed.filelist[1:]:
            for name in ("header_offset", "compress_size", "file_size", "CRC", "compress_type", "flag_bits"):
                setattr(other, name, getattr(info, name))
    return path


HOSTILE = {
    "f36 up": lambda path: tar(path, member("../x")),
    "f36 absolute": lambda path: tar(path, member("/tmp/x")),
    "f37 through a link": lambda path: tar(
        path, member("set/out", tarfile.SYMTYPE, "/tmp"), member("set/out/x")
    ),
    "f37 hard link": lambda path: tar(path, member("set/out", tarfile.LNKTYPE, "/etc/passwd")),
    "f37 device": lambda path: tar(path, member("set/out", tarfile.CHRTYPE)),
    "f38 bomb": bomb,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_f36_f37_f38_a_hostile_archive_is_refused_before_a_byte_is_written(desk, name):
    archive = HOSTILE[name](desk.data / "set.archive")
    told = desk.call("data", "import", "folder", archive, "--into", desk.root / "deep" / "into")
    assert (told.code, told.out) == (5, "")
    assert "error[UB504]" in told.error
    assert "(set.archive): nothing was extracted" in told.error
    assert not (desk.root / "deep").exists()


def test_f38_a_million_members(desk):
    archive = desk.data / "many.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("0.nii", b"")
        (info,) = packed.infolist()
        packed.filelist += [info] * 1_000_000
    told = desk.call("data", "import", "folder", archive, "--into", desk.root / "into")
    assert (told.code, "more than 200000 members" in told.error) == (5, True)
    assert not (desk.root / "into").exists()
