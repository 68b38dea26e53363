"""One trained model and its bundle, shared by all tests of bundles."""

import pytest

from tests.helpers.bundles import trained
from tests.helpers.command import call


@pytest.fixture(scope="package")
def run(tmp_path_factory, toy_root, toy_cache):
    from uad_bench.cohort.discovery import Sources
    from uad_bench.pipeline.run_job import Workplace

    place = Workplace(tmp_path_factory.mktemp("runs"), Sources(toy_cache, {"toy_data": toy_root}), threads=1)
    return trained(place)


@pytest.fixture(scope="package")
def bundle(run, tmp_path_factory):
    """The bundle of the run, in a folder of bundles."""
    from uad_bench.weights.card import Said
    from uad_bench.weights.pack import pack

    return pack(run.path, Said(name="tiny"), tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def verb(tmp_path, toy_cache, monkeypatch, capsys):
    """verb(words ...) -> exit code, stdout, stderr, in tmp_path with a store of its own, tmp_path/store."""
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))
    monkeypatch.setenv("UAD_BENCH_WEIGHTS", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return lambda *words: call(monkeypatch, capsys, *words)
