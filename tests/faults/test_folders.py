"""F33, F34: links in data, folders without write permission.

Tested elsewhere: F33 for folders, loops and broken links, F35 for folders, tests/datasets/test_file_search.py; F35 for
files, test_files.py. R5, that nothing is written next to the data, is checked in every test here (`Workspace.call`).
"""

import shutil
import stat

import pytest

from tests.helpers.workspace import Workspace


@pytest.fixture
def tree(workspace):
    """A BIDS tree of two subjects; the files of the second are links to a folder outside the data."""
    bids, aside = workspace.data / "bids", workspace.root / "aside"
    aside.mkdir()
    for number, case in enumerate(("h00", "h01"), start=1):
        anat = bids / f"sub-{number:02d}" / "anat"
        anat.mkdir(parents=True)
        for column, ending in (("t2", "T2w"), ("brain_mask", "label-brain_mask")):
            name = f"sub-{number:02d}_{ending}.nii.gz"
            there = anat if case == "h00" else aside
            shutil.copyfile(workspace.file(case, column), there / name)
            if there == aside:
                (anat / name).symlink_to(there / name)
    workspace.data = bids
    return workspace


BIDS = ("--set", "folder.bids=true", "--set", "folder.healthy=[sub-*]")


def test_f33_links_out_of_the_data_are_ignored_with_a_warning(tree):
    answer = tree.check(*BIDS)
    assert answer.code == 0
    assert "cases       1 of 1 subjects" in answer.out
    assert "2 links that lead out of it are ignored" in answer.out
    answer = tree.prepare(*BIDS)
    assert (answer.code, tree.entries()) == (0, {"sub-01"})
    assert "UAD_BENCH_FOLLOW_LINKS=1 follows" in answer.err


def test_f33_links_are_followed_on_request_and_never_written_through(tree, monkeypatch):
    monkeypatch.setenv("UAD_BENCH_FOLLOW_LINKS", "1")
    answer = tree.prepare(*BIDS)
    assert (answer.code, tree.entries()) == (0, {"sub-01", "sub-02"})
    assert "links" not in answer.err


def test_f33_links_that_a_table_names_are_read_with_a_warning(workspace, monkeypatch):
    aside = workspace.root / "aside.nii.gz"
    shutil.move(workspace.file("h01"), aside)
    workspace.file("h01").symlink_to(aside)
    answer = workspace.check()
    assert answer.code == 0
    assert "1 files are links that lead out of it; they are read" in answer.out
    answer = workspace.prepare()
    assert (answer.code, "h01" in workspace.entries()) == (0, True)
    assert "links that lead out of it" in answer.err
    monkeypatch.setenv("UAD_BENCH_FOLLOW_LINKS", "1")
    assert "links" not in workspace.check().out


def state(folder):
    """Every file and folder, as it was last written."""
    paths = [folder, *folder.rglob("*")]
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino, path.stat().st_size) for path in paths}


@pytest.fixture
def sealed(workspace):
    """A workspace whose data only root may write to."""
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in state(workspace.data)}
    for path in modes:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield workspace
    for path, mode in modes.items():
        path.chmod(mode)


def test_f34_data_that_may_not_be_written_to_is_enough(sealed: Workspace):
    """Root may write anyway; `Workspace.call` checks that nothing is written."""
    before = state(sealed.data)
    assert sealed.check().code == 0
    assert sealed.prepare().code == 0
    assert len(sealed.entries()) == 7
    assert state(sealed.data) == before


def test_files_that_no_case_uses_are_named_by_every_verb(workspace):
    (workspace.data / "left.mgz").write_bytes(b"x")
    shutil.copyfile(workspace.file("h00"), workspace.data / "more.NII.GZ")
    for words, code in (((), 0), (("--quick",), 0), (("--strict",), 7)):
        answer = workspace.check(*words)
        assert answer.code == code
        assert "left.mgz" in answer.out
        assert "more.NII.GZ" in answer.out
    assert "UB701" in answer.error
    assert "left.mgz" in workspace.prepare().err
    assert "left.mgz" in workspace.run().err
