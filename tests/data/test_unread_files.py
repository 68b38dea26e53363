"""Image files under a root that no case uses are named, grouped and counted."""

import os
from pathlib import Path

from uad_bench.data.unread_files import as_texts, unread_files


def plant(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_each_kind_is_told_and_used_files_are_not(tmp_path):
    plant(tmp_path, "a.nii.gz", "b.NII.GZ", "c.mgz", "d.NRRD", "e.txt", ".hidden.nii", "x.nii.gz/y.txt")
    (tmp_path / "f.nii.gz").symlink_to(".git/annex/objects/k/k")
    (tmp_path / "g.nii").symlink_to("nowhere.nii")
    (tmp_path / "h.nii.gz").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    found = unread_files(tmp_path, [tmp_path / "a.nii.gz"])
    names = {kind: [str(path) for path in paths] for kind, paths in found.items()}
    assert names == {
        "nifti": ["b.NII.GZ"], "other": ["c.mgz", "d.NRRD"], "annex": ["f.nii.gz"], "link": ["g.nii"],
        "lfs": ["h.nii.gz"], "folder": ["x.nii.gz"],
    }  # fmt: skip


def test_a_folder_named_like_a_file_whose_file_is_used_is_not_told(tmp_path):
    plant(tmp_path, "x.nii.gz/x.nii")
    assert not unread_files(tmp_path, [tmp_path / "x.nii.gz/x.nii"])


def test_files_of_cases_that_are_told_anyway_are_left_out_by_whole_words(tmp_path):
    plant(tmp_path, "c1_t2.nii", "c11_t2.nii")
    assert [str(path) for path in unread_files(tmp_path, [], ["c1"])["nifti"]] == ["c11_t2.nii"]


def test_equal_names_are_one_line_with_their_number(tmp_path):
    plant(tmp_path, *(f"sub-{n:02d}/func/sub-{n:02d}_bold.nii.gz" for n in range(9)), "other.nii")
    lines = list(as_texts(unread_files(tmp_path, [])))
    assert [line.partition("(")[2].partition(")")[0] for line in lines] == ["9", "1"]
    assert "and 6 more" in lines[0]


def test_a_folder_that_may_not_be_listed_is_told(tmp_path, monkeypatch):
    plant(tmp_path, "site/sub-01/a.nii.gz")
    real = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("sub-01"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = unread_files(tmp_path, [])
    assert found == {"closed": [Path("site/sub-01")]}
    assert list(as_texts(found)) == [
        "folders that cannot be listed and whose files are not read (1): site/sub-01; allow them to be read"
    ]
