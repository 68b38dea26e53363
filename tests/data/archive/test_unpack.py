"""Archives: what is unpacked, what is refused before a byte is written (F36 to F38), and what survives a kill."""

import errno
import hashlib
import io
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from uad_bench.data.archive.members import Limits
from uad_bench.data.archive.unpack import LOCK, MARKER, unpack
from uad_bench.errors import DataError, EnvironmentFault, IntegrityError, UadError, UsageError

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
    """The line that an archive is refused with; nothing may be there afterwards."""
    around = sorted(into.parent.rglob("*"))
    with pytest.raises(IntegrityError) as caught:
        unpack(archive, into, **limits)
    line = str(caught.value)
    assert (caught.value.exit_code, caught.value.code) == (5, "UB504")
    assert "nothing was extracted" in line and archive.name in line and "\n" not in line
    assert sorted(into.parent.rglob("*")) == around
    return line


@pytest.mark.parametrize("ending", [*TAR_MODES, ".zip"])
def test_flat_members_go_to_a_folder_named_by_the_stem(tmp_path, ending):
    path = tmp_path / f"IXI-T2{ending}"
    zip_of(path) if ending == ".zip" else tar_of(path, mode=TAR_MODES[ending])
    before = path.read_bytes()
    folder = unpack(path, tmp_path / "data")
    assert folder == tmp_path / "data" / "IXI-T2"
    assert {k: v for k, v in tree(folder).items() if k != MARKER} == FILES
    assert path.read_bytes() == before


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_a_single_top_folder_is_kept(tmp_path, make):
    files = {f"./BraTS 2021/case/{name}": content for name, content in FILES.items()}
    folder = unpack(make(tmp_path / "Kaggle.archive", files), tmp_path / "data")
    assert folder == tmp_path / "data" / "BraTS 2021"
    assert set(tree(folder)) == {f"case/{name}" for name in FILES} | {MARKER}


def test_several_top_folders_go_to_one_named_by_the_stem(tmp_path):
    folder = unpack(tar_of(tmp_path / "wmh.tar", {"training/a": b"1", "test/b": b"2"}), tmp_path / "data")
    assert folder.name == "wmh"
    assert set(tree(folder)) == {"training/a", "test/b", MARKER}


def test_resource_forks_of_macos_are_left_out(tmp_path):
    files = {"set/a.nii.gz": b"1", "set/._a.nii.gz": b"fork", "__MACOSX/set/._a.nii.gz": b"fork"}
    folder = unpack(zip_of(tmp_path / "m.zip", files), tmp_path / "data")
    assert folder.name == "set"
    assert set(tree(folder)) == {"a.nii.gz", MARKER}


NAMES = ["../x", "a/../../x", "/etc/x", "C:\\x", "a\\..\\x", "a\nb", "a\x1b[2Jb", "a" * 300, "a/" * 600 + "a"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_f36_names_that_lead_elsewhere_are_refused(tmp_path, make, name):
    refused(make(tmp_path / "evil", {**FILES, name: b"x"}), tmp_path / "deep" / "data")
    assert not (tmp_path / "x").exists()


def test_f36_a_name_behind_a_nul_is_seen(tmp_path):
    path = zip_of(tmp_path / "evil.zip", {"harmless#evil": b"x"})
    path.write_bytes(path.read_bytes().replace(b"harmless#", b"harmless\0"))
    assert "control" in refused(path, tmp_path / "data")


KINDS = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]


@pytest.mark.parametrize("kind", KINDS)
def test_f37_links_and_devices_are_refused(tmp_path, kind):
    extra = [special("out", kind), tarfile.TarInfo("out/file")]
    assert "link" in refused(tar_of(tmp_path / "evil.tar", extra=extra), tmp_path / "data")


def test_f37_links_inside_the_archive_are_refused_too(tmp_path):
    extra = [special("alias", tarfile.SYMTYPE, next(iter(FILES)))]
    refused(tar_of(tmp_path / "evil.tar", extra=extra), tmp_path / "data")


def test_f37_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("out")
    link.external_attr, link.create_system = (stat.S_IFLNK | 0o777) << 16, 3
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as packed:
        packed.writestr(link, "/etc")
    assert "link" in refused(tmp_path / "evil.zip", tmp_path / "data")


def test_f37_one_name_for_two_things_is_refused(tmp_path):
    twice = [tarfile.TarInfo("a"), tarfile.TarInfo("a")]
    assert "two files" in refused(tar_of(tmp_path / "1.tar", {}, extra=twice), tmp_path / "data")
    both = {"a": b"1", "a/b": b"2"}
    assert "file and a folder" in refused(tar_of(tmp_path / "2.tar", both), tmp_path / "data")


def test_encrypted_zips_are_refused(tmp_path):
    path = zip_of(tmp_path / "locked.zip")
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(raw)
    assert "encrypted" in refused(path, tmp_path / "data")


def test_f38_too_many_members(tmp_path):
    files = {f"{i}": b"" for i in range(12)}
    line = refused(tar_of(tmp_path / "many.tar", files), tmp_path / "data", limits=Limits(members=11))
    assert "more than 11 members" in line
    unpack(tmp_path / "many.tar", tmp_path / "data", limits=Limits(members=12))


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_f38_too_many_bytes(tmp_path, make):
    size = sum(map(len, FILES.values()))
    refused(make(tmp_path / "big"), tmp_path / "data", limits=Limits(total_bytes=size - 1))
    unpack(make(tmp_path / "big"), tmp_path / "data", limits=Limits(total_bytes=size))


def test_f38_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked(tmp_path):
    info = tarfile.TarInfo("zeros")
    info.size = 50 << 20
    with (
        tarfile.open(tmp_path / "bomb.tar.xz", "w:xz", preset=0) as tar,
        Path("/dev/zero").open("rb") as zeros,
    ):
        tar.addfile(info, zeros)
    began = time.process_time()
    assert "bytes once unpacked" in refused(tmp_path / "bomb.tar.xz", tmp_path / "data")
    assert time.process_time() - began < 0.5


def test_f38_a_zip_whose_sizes_are_lies_is_damaged_not_unpacked(tmp_path):
    path = zip_of(tmp_path / "liar.zip", {"zeros": bytes(1 << 20)})
    raw, size = path.read_bytes(), (1 << 20).to_bytes(4, "little")
    path.write_bytes(raw.replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(DataError, match="damaged"):
        unpack(path, tmp_path / "data")
    assert names(tmp_path / "data") <= {LOCK}


def test_f38_a_header_that_asks_for_memory_is_refused(tmp_path):
    tar_of(tmp_path / "pax.tar", {"é" * 60: b"1"})  # a name that needs an extended header
    raw = bytearray((tmp_path / "pax.tar").read_bytes())
    raw[124:136] = b"77777777777\0"
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    (tmp_path / "pax.tar").write_bytes(raw)
    assert "header of" in refused(tmp_path / "pax.tar", tmp_path / "data")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("keep", [0.02, 0.5, 0.8])
def test_truncated_tars_leave_nothing(tmp_path, mode, keep):
    files = {name: os.urandom(30000) for name in FILES}
    path = tar_of(tmp_path / "cut", files, mode)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep)])
    assert_damaged(path, tmp_path / "data")


def assert_damaged(path, into):
    with pytest.raises(DataError) as caught:
        unpack(path, into)
    assert (caught.value.exit_code, caught.value.code) == (3, "UB322")
    assert not into.exists() or names(into) <= {LOCK}


def test_a_tar_cut_between_two_members_is_truncated(tmp_path):
    path = tar_of(tmp_path / "cut.tar", {"a": bytes(512), "b": bytes(512)})
    path.write_bytes(path.read_bytes()[:1024])
    assert_damaged(path, tmp_path / "data")


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path):
    path = tar_of(tmp_path / "flip.tar", {"a": bytes(512), "b": bytes(512)})
    raw = bytearray(path.read_bytes())
    raw[1024] ^= 1
    path.write_bytes(raw)
    assert_damaged(path, tmp_path / "data")


@pytest.mark.parametrize("make", [lambda p, f: tar_of(p, f, "w:gz"), zip_of])
def test_f04_a_flipped_byte_in_the_packed_voxels_is_found(tmp_path, make):
    path = make(tmp_path / "flip", {"a.nii": os.urandom(50000)})
    raw = bytearray(path.read_bytes())
    raw[25000] ^= 1
    path.write_bytes(raw)
    assert_damaged(path, tmp_path / "data")


@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html>not found", b"PK\3\4 and nothing", b"\x1f\x8b\x08"]
)
def test_f05_what_is_no_archive_says_so(tmp_path, content):
    (tmp_path / "page.tar").write_bytes(content)
    assert_damaged(tmp_path / "page.tar", tmp_path / "data")


def test_a_missing_archive_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match=r"none\.tar") as caught:
        unpack(tmp_path / "none.tar", tmp_path / "data")
    assert caught.value.code == "UB321"


def test_f39_another_digest_is_refused_with_both_and_the_file_stays(tmp_path):
    path = tar_of(tmp_path / "IXI-T2.tar")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(IntegrityError, match=f"{found}, not {'0' * 64}") as caught:
        unpack(path, tmp_path / "data", "0" * 64)
    assert (caught.value.exit_code, caught.value.code) == (5, "UB505")
    assert names(tmp_path) == {"IXI-T2.tar"}
    assert unpack(path, tmp_path / "data", found.upper()).is_dir()


def test_a_word_that_is_no_digest_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="SHA-256"):
        unpack(tar_of(tmp_path / "a.tar"), tmp_path / "data", "abc")


def test_an_equal_import_is_found_also_under_another_archive_name(tmp_path):
    path = tar_of(tmp_path / "IXI-T2.tar")
    first = unpack(path, tmp_path / "data")
    (first / "IXI.xls").write_text("a sheet beside the scans")
    times = {p: p.stat().st_mtime_ns for p in first.iterdir()}
    assert unpack(path.rename(tmp_path / "again.tar"), tmp_path / "data") == first
    assert {p: p.stat().st_mtime_ns for p in first.iterdir()} == times


def test_an_import_that_lost_files_is_not_called_whole(tmp_path):
    path = tar_of(tmp_path / "IXI-T2.tar")
    (unpack(path, tmp_path / "data") / next(iter(FILES))).unlink()
    with pytest.raises(UsageError, match="1 of the 2 files"):
        unpack(path, tmp_path / "data")


def test_a_folder_in_the_way_is_never_written_to(tmp_path):
    (tmp_path / "data" / "IXI-T2").mkdir(parents=True)
    (tmp_path / "data" / "IXI-T2" / "mine").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        unpack(tar_of(tmp_path / "IXI-T2.tar"), tmp_path / "data")
    assert tree(tmp_path / "data") == {"IXI-T2/mine": b"mine", LOCK: b""}


SLOW = """
import os, sys, time
from pathlib import Path
from uad_bench.data.archive import unpack as archive
fsync = os.fsync
archive.os.fsync = lambda fd: (time.sleep(0.02), fsync(fd))
print("go", flush=True)
archive.unpack(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("written", [1, 8])
def test_f40_kill_while_extracting_equals_undisturbed(tmp_path, written):
    path = tar_of(tmp_path / "set.tar.gz", {f"{i:02d}.nii": os.urandom(2000) for i in range(16)}, "w:gz")
    into = tmp_path / "data"
    child = subprocess.Popen([sys.executable, "-c", SLOW, path, into], stdout=subprocess.PIPE)
    hidden = into / ".set.partial"
    while child.poll() is None and len(list(hidden.glob("*.nii"))) <= written:
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    assert names(into) <= {hidden.name, LOCK} and hidden.is_dir()
    assert tree(unpack(path, into)) == tree(unpack(path, tmp_path / "undisturbed"))
    assert not hidden.exists()


def test_a_hidden_folder_is_not_taken_for_an_import_even_with_its_marker(tmp_path):
    path = tar_of(tmp_path / "set.tar")
    whole = unpack(path, tmp_path / "data")
    whole.rename(whole.with_name(".set.partial"))
    assert unpack(path, tmp_path / "data") == whole


def test_f73_a_disk_that_takes_no_more_leaves_nothing(tmp_path):
    path = tar_of(tmp_path / "set.tar", {"a": bytes(1000), "b": bytes(200_000)})
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(EnvironmentFault, match=os.strerror(errno.EFBIG)) as caught:
            unpack(path, tmp_path / "data")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.exit_code == 6
    assert names(tmp_path / "data") <= {LOCK}


def test_f73_too_little_room_is_said_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(EnvironmentFault, match="GB are needed"):
        unpack(tar_of(tmp_path / "set.tar"), tmp_path / "data")
    assert names(tmp_path / "data") <= {LOCK}


def test_f74_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(EnvironmentFault) as caught:
        unpack(tar_of(tmp_path / "set.tar"), tmp_path / "data")
    assert caught.value.exit_code == 6


def test_a_second_import_into_one_folder_waits_for_its_turn(tmp_path):
    path = tar_of(tmp_path / "set.tar")
    (tmp_path / "data").mkdir()
    with (
        FileLock(tmp_path / "data" / LOCK, is_singleton=False),
        pytest.raises(EnvironmentFault, match="another import"),
    ):
        unpack(path, tmp_path / "data")
    assert unpack(path, tmp_path / "data").is_dir()


def test_random_bytes_and_random_damage_end_in_one_of_our_errors(tmp_path):
    """R3 in small: whatever the bytes, an answer with an exit code, and no half of a dataset."""
    import random

    chance = random.Random(4)
    base = [tar_of(tmp_path / "t.tar").read_bytes(), zip_of(tmp_path / "z.zip").read_bytes()]
    base.append(tar_of(tmp_path / "g.tar", mode="w:gz").read_bytes())
    for number in range(150):
        raw = bytearray(base[number % 3])
        for _ in range(chance.randint(1, 4)):
            raw[chance.randrange(len(raw) if number % 2 else 600) % len(raw)] = chance.randrange(256)
        path = tmp_path / f"{number}.bin"
        path.write_bytes(raw)
        try:
            folder = unpack(path, tmp_path / "data")
        except UadError as error:
            assert error.exit_code in {3, 5}
            assert not Path(tmp_path / "data" / str(number)).exists()
        else:
            assert len(tree(folder)) == 1 + len(FILES)
