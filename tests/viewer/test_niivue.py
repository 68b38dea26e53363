"""NiiVue comes from the package or from an archive that a variable names; without it one line says what to do."""

import io
import tarfile

import pytest

from uad_bench.errors import EnvironmentFault, IntegrityError
from uad_bench.support.package_files import shipped
from uad_bench.viewer import niivue


def archive(path, name, content):
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return path


def test_i17_without_niivue_one_line_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(niivue, "shipped", lambda name: tmp_path)
    monkeypatch.delenv(niivue.VARIABLE, raising=False)
    with pytest.raises(EnvironmentFault, match=r"npm pack @niivue/niivue@0\.69\.0") as caught:
        niivue.niivue_script()
    assert caught.value.code == "UB613" and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["package/dist/other.js", "package/dist/niivue.umd.js"])
def test_i17_another_archive_is_refused(monkeypatch, tmp_path, name):
    monkeypatch.setenv(niivue.VARIABLE, str(archive(tmp_path / "x.tgz", name, b"evil()")))
    with pytest.raises((EnvironmentFault, IntegrityError)) as caught:
        niivue.niivue_script()
    assert caught.value.code == ("UB512" if name.endswith("umd.js") else "UB613")


def test_i17_the_archive_of_npm_is_read(monkeypatch, tmp_path):
    here = shipped("web") / "niivue.js"
    if not here.is_file():
        pytest.skip("NiiVue is not fetched: run scripts/web.py")
    monkeypatch.delenv(niivue.VARIABLE, raising=False)
    script = niivue.niivue_script()
    monkeypatch.setenv(
        niivue.VARIABLE, str(archive(tmp_path / "n.tgz", "package/dist/niivue.umd.js", script))
    )
    assert niivue.niivue_script() == script == here.read_bytes()


def test_i17_the_licence_names_niivue_and_what_it_contains():
    text = niivue.LICENCE.read_text(encoding="utf-8")
    assert "BSD 2-Clause License" in text and "Copyright (c) 2021, Niivue" in text
    assert all(name in text for name in ("gl-matrix", "fflate", "nifti-reader-js", "zarrita"))
    assert niivue.VERSION in text
