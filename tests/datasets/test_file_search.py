import os
from pathlib import Path

import pytest

from uad_datasets.file_search import nifti_files, not_readable


def names(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in nifti_files(root)]


def test_files_come_in_order_and_skipped_folders_do_not(tree):
    root = tree("b/2.nii.gz", "a/1.nii", "a/raw/0.nii.gz", "c.txt", "b/x.gz")
    found = [str(path.relative_to(root)) for path in nifti_files(root, frozenset({"raw"}))]
    assert found == ["a/1.nii", "b/2.nii.gz"]


def test_hidden_files_and_folders_are_no_data(tree):
    root = tree("a/1.nii.gz", "a/._1.nii.gz", ".partial/2.nii.gz", ".git/annex/objects/3.nii.gz")
    assert names(root) == ["a/1.nii.gz"]


def test_a_missing_folder_has_no_files(tmp_path, caplog):
    assert nifti_files(tmp_path / "none") == []
    assert not caplog.records


def test_f33_links_to_the_outside_are_passed_over_with_one_line(tree, tmp_path, caplog):
    root = tree("a/1.nii.gz")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/2.nii.gz").touch()
    (root / "folder").symlink_to(tmp_path / "elsewhere")
    (root / "a/2.nii.gz").symlink_to(tmp_path / "elsewhere/2.nii.gz")
    (root / "a/3.nii.gz").symlink_to("gone.nii.gz")
    assert names(root) == ["a/1.nii.gz"]
    (record,) = caplog.records
    assert "2 links" in record.getMessage()
    assert "UAD_BENCH_FOLLOW_LINKS" in record.getMessage()


def test_f33_links_are_followed_with_the_environment_variable(tree, tmp_path, monkeypatch, caplog):
    root = tree("a/1.nii.gz")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/2.nii.gz").touch()
    (tmp_path / "elsewhere/loop").symlink_to(tmp_path / "elsewhere")
    (root / "folder").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("UAD_BENCH_FOLLOW_LINKS", "1")
    found = names(root)
    assert found[:2] == ["a/1.nii.gz", "folder/2.nii.gz"]
    assert len(found) <= 3  # the loop is entered once at most
    assert not caplog.records


def test_links_that_stay_inside_are_files_like_any_other(tree, caplog):
    """As in data kept by git-annex, where every image is a link into a hidden store."""
    root = tree(".git/annex/objects/key.nii.gz", "b/2.nii.gz")
    (root / "1.nii.gz").symlink_to(".git/annex/objects/key.nii.gz")
    (root / "again").symlink_to("b")
    assert names(root) == ["1.nii.gz", "b/2.nii.gz"]
    assert not caplog.records


@pytest.mark.parametrize("store", [".store/x", "raw/v2/x"])
@pytest.mark.parametrize("follow", ["", "1"])
def test_a_link_to_a_folder_that_is_not_entered_by_name_is_followed(tree, monkeypatch, store, follow):
    """As a subject that was moved to a hidden store, or was left in the source data."""
    monkeypatch.setenv("UAD_BENCH_FOLLOW_LINKS", follow)
    root = tree(f"{store}/anat/2.nii.gz", f"{store}/anat/3.mgz", "a/1.nii.gz")
    (root / store / "anat/4.nii.gz").symlink_to("gone.nii.gz")
    (root / store / "loop").symlink_to("..")
    (root / store / "back").symlink_to(root / "a")
    (root / "sub-02").symlink_to(store)
    skip = frozenset({"raw"})
    assert [str(path.relative_to(root)) for path in nifti_files(root, skip)] == [
        "a/1.nii.gz",
        "sub-02/anat/2.nii.gz",
    ]
    unread = {str(path.relative_to(root)) for path in not_readable(root, skip)}
    assert unread == {"sub-02/anat/3.mgz", "sub-02/anat/4.nii.gz"}


def test_a_root_that_is_a_link_itself_is_the_users_choice(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree("a/1.nii.gz"))
    assert names(tmp_path / "link") == ["a/1.nii.gz"]


def test_f35_a_folder_that_cannot_be_listed_is_a_warning(tree, monkeypatch, caplog):
    root, scandir = tree("a/1.nii.gz", "shut/2.nii.gz"), os.scandir

    def refuse(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert names(root) == ["a/1.nii.gz"]
    assert "shut: cannot be listed" in caplog.text


def test_endings_in_capitals_are_read(tree):
    assert names(tree("x.NII", "y.Nii.GZ")) == ["x.NII", "y.Nii.GZ"]


@pytest.mark.parametrize("name", ["x.nii.gz.part", "x.mgz"])
def test_other_endings_are_not_read(tree, name):
    assert names(tree(name)) == []
