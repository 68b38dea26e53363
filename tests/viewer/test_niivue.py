"""NiiVue comes from the package or from an archive that a variable names; without it one line says what to do."""

import importlib.util
import io
import random
import re
import sys
import tarfile
from pathlib import Path

import pytest

from uad_bench.errors import EnvironmentFault, IntegrityError
from uad_bench.support.package_files import shipped
from uad_bench.viewer import niivue

ROOT = Path(__file__).parents[2]


def archive(path, name, content, kind="gz"):
    with tarfile.open(path, f"w:{kind}") as tar:
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


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2", ""])
def test_i17_a_truncated_or_damaged_archive_is_one_line(monkeypatch, tmp_path, kind):
    content = random.Random(0).randbytes(20_000)
    whole = archive(tmp_path / "x.tgz", "package/dist/niivue.umd.js", content, kind).read_bytes()
    part = tmp_path / "part.tgz"
    monkeypatch.setenv(niivue.VARIABLE, str(part))
    damaged = whole[:5000] + bytes(200) + whole[5200:]
    for data in (damaged, *(whole[:n] for n in range(0, 20_000, 997))):
        part.write_bytes(data)
        with pytest.raises((EnvironmentFault, IntegrityError)) as caught:
            niivue.niivue_script()
        changed = data is damaged and caught.value.code == "UB512"  # an archive without checksums is read
        assert changed or (caught.value.code == "UB613" and "missing or cannot be read" in str(caught.value))


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


def test_i17_the_version_is_the_same_wherever_it_is_written():
    spec = importlib.util.spec_from_file_location("web_script", ROOT / "scripts" / "web.py")
    web = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = web  # dataclasses look their module up
    spec.loader.exec_module(web)
    del sys.modules[spec.name]
    assert {one.name: one.version for one in web.PACKAGES}["@niivue/niivue"] == niivue.VERSION
    for path in (ROOT / "docs" / "pictures.md", niivue.LICENCE.parent / "index.html"):
        text = path.read_text(encoding="utf-8")
        written = re.findall(r"(?i)niivue(?:\]\(\S+\))?[ @]v?(\d+\.\d+\.\d+)", text)
        assert written and set(written) == {niivue.VERSION}, path.name
