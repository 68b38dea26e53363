"""A toy cohort on disk, its cache, and a workplace for runs on it."""

import pytest

from tests.helpers.toy_data import make
from uad_bench.cohort.discovery import Sources
from uad_bench.pipeline.run_job import Workplace


@pytest.fixture(scope="session")
def toy_root(tmp_path_factory):
    return make(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def toy_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def place(tmp_path, toy_root, toy_cache):
    def make_place(**more):
        return Workplace(tmp_path / "runs", Sources(toy_cache, {"toy_data": toy_root}), threads=1, **more)

    return make_place
