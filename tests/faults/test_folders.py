"""F33, F34: links in data, folders that may not be written to.

Met elsewhere: F33 of folders, loops and broken links, F35 of folders, tests/datasets/test_finding.py; F35 of
files, test_files.py. R5, that nothing is written beside the data, holds for every call of every test here
(`Desk.call`).
"""

import shutil
import stat

import pytest

from tests.helpers.desk import Desk


@pytest.fixture
def tree(desk):
    """A BIDS tree of two subjects; the files of the second are links to a folder beside the data."""
    bids, aside = desk.data / "bids", desk.root / "aside"
    aside.mkdir()
    for number, case in enumerate(("h00", "h01"), start=1):
        anat = bids / f"sub-{number:02d}" / "anat"
        anat.mkdir(parents=True)
        for column, ending in (("t2", "T2w"), ("brain_mask", "label-brain_mask")):
            name = f"sub-{number:02d}_{ending}.nii.gz"
            there = anat if case == "h00" else aside
            shutil.copyfile(desk.file(case, column), there / name)
            if there == aside:
                (anat / name).symlink_to(there / name)
    desk.data = bids
    return desk


BIDS = ("--set", "folder.bids=true", "--set", "folder.healthy=[sub-*]")


def test_f33_links_out_of_the_data_are_passed_over_and_told(tree):
    told = tree.check(*BIDS)
    assert told.code == 0
    assert "cases       1 of 1 subjects" in told.out
    assert "2 links lead out of it, passed over" in told.out
    told = tree.prepare(*BIDS)
    assert (told.code, tree.entries()) == (0, {"sub-01"})
    assert "UAD_BENCH_FOLLOW_LINKS=1 follows" in told.err


def test_f33_links_are_followed_where_a_person_says_so_and_never_written_through(tree, monkeypatch):
    monkeypatch.setenv("UAD_BENCH_FOLLOW_LINKS", "1")
    told = tree.prepare(*BIDS)
    assert (told.code, tree.entries()) == (0, {"sub-01", "sub-02"})
    assert "links" not in told.err


def state(folder):
    """Every file and folder, as it was last written."""
    paths = [folder, *folder.rglob("*")]
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino, path.stat().st_size) for path in paths}


@pytest.fixture
def sealed(desk):
    """A desk whose data nobody but root may write to."""
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in state(desk.data)}
    for path in modes:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield desk
    for path, mode in modes.items():
        path.chmod(mode)


def test_f34_data_that_may_not_be_written_to_is_enough(sealed: Desk):
    """`Desk.call` sees to it that root, who may write anyway, does not."""
    before = state(sealed.data)
    assert sealed.check().code == 0
    assert sealed.prepare().code == 0
    assert len(sealed.entries()) == 7
    assert state(sealed.data) == before


def test_files_that_no_case_uses_are_told_by_every_verb(desk):
    (desk.data / "left.mgz").write_bytes(b"x")
    shutil.copyfile(desk.file("h00"), desk.data / "more.NII.GZ")
    for words, code in (((), 0), (("--quick",), 0), (("--strict",), 7)):
        told = desk.check(*words)
        assert told.code == code
        assert "left.mgz" in told.out
        assert "more.NII.GZ" in told.out
    assert "UB701" in told.error
    assert "left.mgz" in desk.prepare().err
    assert "left.mgz" in desk.run().err
