"""Archives: what is unpacked, what is refused before a byte is written (F36 to F38), and what survives a kill."""

import errno
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from tests.helpers.archives import FILES, TAR_MODES, names, tar_of, tree, zip_of
from uad_bench.data.archive.unpack import LOCK, MARKER, unpack
from uad_bench.errors import DataError, EnvironmentFault, IntegrityError, UadError, UsageError


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


def test_an_archive_with_another_name_is_recognised_by_its_digest(tmp_path):
    path = tar_of(tmp_path / "IXI-T2.tar")
    first = unpack(path, tmp_path / "data")
    (first / "IXI.xls").write_text("a table next to the scans")
    times = {p: p.stat().st_mtime_ns for p in first.iterdir()}
    assert unpack(path.rename(tmp_path / "again.tar"), tmp_path / "data") == first
    assert {p: p.stat().st_mtime_ns for p in first.iterdir()} == times


def test_an_import_with_missing_files_is_an_error(tmp_path):
    path = tar_of(tmp_path / "IXI-T2.tar")
    (unpack(path, tmp_path / "data") / next(iter(FILES))).unlink()
    with pytest.raises(UsageError, match="1 of the 2 files"):
        unpack(path, tmp_path / "data")


def test_files_are_never_written_into_an_existing_folder(tmp_path):
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


def test_a_hidden_folder_is_not_an_import_even_with_its_marker(tmp_path):
    path = tar_of(tmp_path / "set.tar")
    whole = unpack(path, tmp_path / "data")
    whole.rename(whole.with_name(".set.partial"))
    assert unpack(path, tmp_path / "data") == whole


def test_f73_a_full_disk_leaves_nothing(tmp_path):
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


def test_f73_too_little_space_is_reported_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(EnvironmentFault, match="GB are needed"):
        unpack(tar_of(tmp_path / "set.tar"), tmp_path / "data")
    assert names(tmp_path / "data") <= {LOCK}


def test_f74_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(EnvironmentFault) as caught:
        unpack(tar_of(tmp_path / "set.tar"), tmp_path / "data")
    assert caught.value.exit_code == 6


def test_a_second_import_into_the_same_folder_is_refused_meanwhile(tmp_path):
    path = tar_of(tmp_path / "set.tar")
    (tmp_path / "data").mkdir()
    with (
        FileLock(tmp_path / "data" / LOCK, is_singleton=False),
        pytest.raises(EnvironmentFault, match="another import"),
    ):
        unpack(path, tmp_path / "data")
    assert unpack(path, tmp_path / "data").is_dir()


def test_random_damage_ends_in_an_error_with_exit_code_3_or_5(tmp_path):
    """A small fuzz test (R3): any bytes give a result or an error with an exit code, and no partial dataset."""
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
