"""Files and folders that are written aside: what killed processes leave is removed, what is written now is kept."""

import fcntl

import pytest

from uad_bench.support.atomic_files import (
    _kernel,
    aside_folder,
    put_in_place,
    remove_leftovers,
    require_writable,
    write_text,
)


def test_what_a_killed_process_left_is_removed_and_what_another_writes_now_is_kept(tmp_path):
    left, empty, now = (tmp_path / f".a.json.{_kernel()}{n}.tmp" for n in (1, 2, 3))
    for path, text in ((left, "{}"), (empty, ""), (now, "{}")):
        path.write_text(text)
    with now.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        remove_leftovers(tmp_path / "a.json")
    assert (left.exists(), empty.exists(), now.exists()) == (False, False, True)


def test_a_probe_that_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / f".probe.{_kernel()}0.tmp").touch()
    require_writable(tmp_path / "runs")
    assert list(tmp_path.iterdir()) == []


def make_file(path):
    write_text(path, "{}")


def make_folder(path):
    with aside_folder(path) as aside:
        put_in_place(aside, path)


@pytest.mark.parametrize("make", [make_file, make_folder])
def test_what_is_taken_for_a_leftover_before_it_is_locked_is_begun_again(tmp_path, monkeypatch, make):
    taken = []

    def flock(_file, _operation):
        if not taken:
            taken.extend(tmp_path.glob(".made.*.tmp"))
            taken[0].rmdir() if taken[0].is_dir() else taken[0].unlink()

    monkeypatch.setattr(fcntl, "flock", flock)
    make(tmp_path / "made")
    assert len(taken) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert make is make_folder or (tmp_path / "made").read_text() == "{}"
