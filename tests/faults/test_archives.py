"""F36 to F41: archives, and two processes at once, through `data import`.

Tested elsewhere: F36, F37 and F38 in all forms, tests/data/archive/test_members.py.
F39 another digest: tests/cli/test_data.py::test_f39_a_refused_import_is_one_line_and_leaves_nothing.
F40 kill -9 while extracting: tests/data/archive/test_unpack.py::test_f40_kill_while_extracting_equals_undisturbed.
F41 two processes and one entry: test_f41_two_processes_that_race_end_with_one_entry in
tests/prepare/cache/test_prepared_case.py.
"""

import io
import tarfile
import zipfile

import pytest


def tar(path, *infos):
    """A gzipped tar of one valid member and the given ones."""
    with tarfile.open(path, "w:gz") as packed:
        for info in (member("set/h00_t2.nii.gz"), *infos):
            packed.addfile(info, io.BytesIO(b"x" * info.size))
    return path


def member(name, kind=tarfile.REGTYPE, target="", size=1):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size if kind == tarfile.REGTYPE else 0
    return info


def zip_of_many(path, content, times):
    """A zip whose directory lists one file many times, under different names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("0000000", content)
    raw = path.read_bytes()
    begin, end = raw.index(b"PK\1\2"), raw.index(b"PK\5\6")
    record, last = raw[begin:end], bytearray(raw[end:])
    records = b"".join(record.replace(b"0000000", b"%07d" % number) for number in range(times))
    last[12:16] = len(records).to_bytes(4, "little")
    path.write_bytes(raw[:begin] + records + last)
    return path


HOSTILE = {
    "f36 up": lambda path: tar(path, member("../x")),
    "f36 absolute": lambda path: tar(path, member("/tmp/x")),
    "f37 through a link": lambda path: tar(
        path, member("set/out", tarfile.SYMTYPE, "/tmp"), member("set/out/x")
    ),
    "f37 hard link": lambda path: tar(path, member("set/out", tarfile.LNKTYPE, "/etc/passwd")),
    "f37 device": lambda path: tar(path, member("set/out", tarfile.CHRTYPE)),
    "f38 bomb": lambda path: zip_of_many(path, bytes(1 << 20), 2000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_f36_f37_f38_a_hostile_archive_is_refused_before_a_byte_is_written(workspace, name):
    archive = HOSTILE[name](workspace.data / "set.archive")
    answer = workspace.call("data", "import", "folder", archive, "--into", workspace.root / "deep" / "into")
    assert (answer.code, answer.out) == (5, "")
    assert "error[UB504]" in answer.error
    assert "(set.archive): nothing was extracted" in answer.error
    assert not (workspace.root / "deep").exists()


@pytest.mark.slow
def test_f38_too_many_members_are_not_written(workspace):
    archive = zip_of_many(workspace.data / "many.zip", b"", 200_001)
    answer = workspace.call("data", "import", "folder", archive, "--into", workspace.root / "into")
    assert (answer.code, "more than 200000 members" in answer.error) == (5, True)
    assert not (workspace.root / "into").exists()
