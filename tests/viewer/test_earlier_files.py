"""Cases of an earlier viewer are removed from its folder, and nothing else is."""

from pathlib import Path

import pytest

from uad_bench.errors import EnvironmentFault
from uad_bench.viewer.earlier_files import is_viewer, remove_earlier_cases
from uad_bench.viewer.script_files import script


@pytest.fixture
def folder(tmp_path):
    """The scripts of two tables with a case each, and files of the user."""
    for name in ("0/0/case", "0/0/map0", "0/0/map1", "1/0/case", "1/0/map0"):
        path = tmp_path / "cases" / f"{name}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(script(name, {}))
    (tmp_path / "cases" / "1" / "notes.txt").write_text("mine")
    (tmp_path / "cases" / "0" / "mine.js").write_text("mine()")
    return tmp_path


def files(folder):
    return {
        str(path.relative_to(folder / "cases")) for path in (folder / "cases").rglob("*") if path.is_file()
    }


def test_i17_scripts_that_are_not_kept_are_removed_and_other_files_stay(folder):
    assert remove_earlier_cases(folder, {"0/0/case", "0/0/map0"}) == 3
    assert files(folder) == {"0/0/case.js", "0/0/map0.js", "0/mine.js", "1/notes.txt"}
    assert not (folder / "cases" / "1" / "0").exists()
    assert remove_earlier_cases(folder, {"0/0/case", "0/0/map0"}) == 0


def test_i17_no_link_is_followed(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "case.js").write_bytes(script("0/0/case", {}))
    (folder / "cases" / "2").symlink_to(outside)
    (folder / "cases" / "0" / "case.js").symlink_to(outside / "case.js")
    remove_earlier_cases(folder, set())
    assert (outside / "case.js").is_file() and (folder / "cases" / "2").is_symlink()


def test_i17_an_index_of_another_page_is_not_that_of_the_viewer(tmp_path):
    assert not is_viewer(tmp_path)
    (tmp_path / "index.js").write_text("start();\n")
    assert not is_viewer(tmp_path)
    (tmp_path / "index.js").write_bytes(script("index", {"sets": []}))
    assert is_viewer(tmp_path)


def test_i17_a_file_that_cannot_be_removed_is_an_error(folder, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(EnvironmentFault, match=r"cannot remove .* Permission denied \(.*it holds an image"):
        remove_earlier_cases(folder, set())
