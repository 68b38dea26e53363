"""The command of a matrix of toy runs."""

from pathlib import Path

import pytest

from tests.helpers import toy_data, toy_methods

DATA, METHODS = toy_data.__file__, toy_methods.__file__
PROTOCOL = Path(DATA).with_name("toy.yaml")
SET = [f"protocol.train={DATA}", f"protocol.test=[{DATA}]", f"protocol.splits.tune={{{DATA}: 0.4}}"]


@pytest.fixture
def words(toy_root, toy_cache, tmp_path, monkeypatch):
    """words(method, ...) -> the words of a `run` of toy methods into a folder below tmp_path."""
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))

    def words(*methods, out="runs"):
        names = [f"{METHODS}:{name}" if name[0].isupper() else name for name in methods]
        options = [word for text in SET for word in ("--set", text)]
        place = ["--data", f"{DATA}={toy_root}", "--out", tmp_path / out, "--protocol", PROTOCOL]
        return ["run", *names, *options, *place, "--threads", "1"]

    return words
