"""scripts/web.py: packages come from a folder or a registry, and what has another digest is refused."""

import importlib.util
import io
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "web.py"


@pytest.fixture
def web(monkeypatch, tmp_path):
    """The script, with one small package that a folder holds."""
    spec = importlib.util.spec_from_file_location("web_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "web_script", module)
    spec.loader.exec_module(module)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in ("package/a.js", "../b.js"):
            entry = tarfile.TarInfo(name)
            entry.size = 2
            tar.addfile(entry, io.BytesIO(b"1;"))
    digest = module.base64.b64encode(module.hashlib.sha512(buffer.getvalue()).digest()).decode()
    package = module.Package("@a/b", "1.0", digest, (("package/a.js", "a.js"),))
    (tmp_path / "a-b-1.0.tgz").write_bytes(buffer.getvalue())
    monkeypatch.setenv("UAD_BENCH_WEB_URL", tmp_path.as_uri())
    monkeypatch.setattr(module, "PACKAGES", (package,))
    monkeypatch.setattr(module, "FOLDER", tmp_path / "web")
    return module


def test_i17_only_the_named_files_are_unpacked(web, tmp_path):
    assert web.main() == 0
    assert {path.name for path in (tmp_path / "web").iterdir()} == {"a.js", "a.js.version"}
    (tmp_path / "a-b-1.0.tgz").unlink()
    assert web.main() == 0  # what is there is not fetched again


def test_i17_another_digest_and_a_missing_archive_are_refused(web, tmp_path, monkeypatch, capsys):
    (package,) = web.PACKAGES
    monkeypatch.setattr(web, "PACKAGES", (replace(package, integrity="x"), replace(package, version="2.0")))
    assert web.main() == 6 and not (tmp_path / "web").exists()
    assert "a-b-1.0.tgz has SHA-512" in (error := capsys.readouterr().err) and "@a/b 2.0: " in error
