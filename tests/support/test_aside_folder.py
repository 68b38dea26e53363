"""Folders that are filled aside and put in place whole; copies that say which side has failed."""

import fcntl
import hashlib
import os
import time
from pathlib import Path

import pytest

from uad_bench.errors import DataError, EnvironmentFault
from uad_bench.support import atomic_files, copy_files
from uad_bench.support.atomic_files import aside_folder, put_in_place
from uad_bench.support.copy_files import copy_file, copy_folder, link_folder

KERNEL = atomic_files._kernel()


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_folder_is_put_in_place_whole_or_not_at_all(tmp_path):
    with pytest.raises(ValueError, match="mine"), aside_folder(tmp_path / "a" / "model") as aside:
        (aside / "half").touch()
        raise ValueError("mine")
    assert names(tmp_path) == ["a"]
    with aside_folder(tmp_path / "a" / "model") as aside:
        (aside / "whole").touch()
        put_in_place(aside, tmp_path / "a" / "model")
    assert names(tmp_path) == ["a", "a/model", "a/model/whole"]


def test_folders_that_killed_processes_left_are_removed_and_those_in_use_are_kept(tmp_path):
    left, used, replaced = (
        tmp_path / f".model.{word}.tmp" for word in (f"{KERNEL}0", f"{KERNEL}1", "replaced")
    )
    for folder in (left, used, replaced):
        (folder / "inner").mkdir(parents=True)
    lock = os.open(used, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with aside_folder(tmp_path / "model"), aside_folder(tmp_path / "model"):
        assert (left.exists(), used.exists(), replaced.exists()) == (False, True, True)
        assert len(list(tmp_path.iterdir())) == 4
    os.close(lock)
    assert {path.name for path in tmp_path.iterdir()} == {used.name, replaced.name}


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.touch()])
def test_what_another_kernel_writes_aside_stays_for_a_day(tmp_path, make):
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        make(tmp_path / name / ".a.json.0123456789abcdef01234567.tmp")
    os.utime(next((tmp_path / "old").iterdir()), (time.time() - 90_000,) * 2)
    for name in ("new", "old"):
        atomic_files.write_text(tmp_path / name / "a.json", "{}")
    assert [len(list((tmp_path / name).iterdir())) for name in ("new", "old")] == [2, 1]


def test_a_name_aside_begins_with_the_kernel_of_its_process(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_files, "boot", lambda: "0a1b2c3d-4e5f")
    assert atomic_files.aside_name(tmp_path / "a").name.startswith(".a.0a1b2c3d")
    monkeypatch.setattr(atomic_files, "boot", lambda: "")
    assert atomic_files.LEFTOVER.search(atomic_files.aside_name(tmp_path / "a").name)


def test_every_file_and_folder_is_flushed_before_the_rename(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(atomic_files, "sync_folder", lambda path: flushed.append(path.name))
    with aside_folder(tmp_path / "model") as aside:
        (aside / "inner").mkdir()
        (aside / "inner" / "weights").touch()
        put_in_place(aside, tmp_path / "model")
    assert sorted(flushed[:2]) == ["inner", "weights"] and flushed[2:] == [aside.name, tmp_path.name]


def test_a_folder_that_cannot_be_made_is_an_error_of_the_machine(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match="cannot write"), aside_folder(tmp_path / "file" / "model"):
        pass


@pytest.mark.parametrize("copy", [copy_folder, link_folder])
def test_a_folder_is_copied_with_its_subfolders_and_links(tmp_path, copy):
    (tmp_path / "a" / "b" / "empty").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("text")
    (tmp_path / "a" / "link").symlink_to("b")
    copy(tmp_path / "a", tmp_path / "c")
    assert names(tmp_path / "c") == names(tmp_path / "a")
    assert (tmp_path / "c" / "link").is_symlink() and (tmp_path / "c" / "b" / "file").read_text() == "text"
    assert (tmp_path / "c" / "b" / "file").samefile(tmp_path / "a" / "b" / "file") == (copy is link_folder)


def test_a_copy_has_the_digest_of_its_bytes(tmp_path):
    data = os.urandom(3 * copy_files.BLOCK + 5)
    (tmp_path / "a").write_bytes(data)
    assert copy_file(tmp_path / "a", tmp_path / "new" / "b") == hashlib.sha256(data).hexdigest()
    assert (tmp_path / "new" / "b").read_bytes() == data


def test_the_side_that_failed_is_named(tmp_path):
    (tmp_path / "a").write_text("text")
    with pytest.raises(DataError, match=r"cannot read.*gone") as caught:
        copy_file(tmp_path / "gone", tmp_path / "b")
    assert caught.value.code == "UB321" and not (tmp_path / "b").exists()
    with pytest.raises(DataError, match="cannot read"):
        copy_folder(tmp_path / "gone", tmp_path / "b")
    with pytest.raises(EnvironmentFault, match="cannot write"):
        copy_file(tmp_path / "a", tmp_path / "a" / "b")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_an_error_of_the_machine(tmp_path):
    (tmp_path / "a").write_text("text")
    with pytest.raises(EnvironmentFault, match="No space left"):
        copy_file(tmp_path / "a", Path("/dev/full"))
