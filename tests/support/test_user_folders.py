"""Folders of a user: the cache and the bundles."""

from pathlib import Path

import pytest

from uad_bench.cohort.discovery import default_cache
from uad_bench.errors import EnvironmentFault
from uad_bench.support.user_folders import user_folder
from uad_bench.weights.store import default_store


def no_home():
    raise RuntimeError("no home")


@pytest.mark.parametrize("named", ["~/mine", "relative/mine", "/data/mine"])
def test_a_variable_names_the_folder(monkeypatch, named):
    monkeypatch.setenv("HOME", "/home/somebody")
    for variable, found in (("UAD_BENCH_CACHE", default_cache), ("UAD_BENCH_WEIGHTS", default_store)):
        monkeypatch.setenv(variable, named)
        assert found() == Path(named.replace("~", "/home/somebody"))


@pytest.mark.parametrize("fallback", [no_home, lambda: Path("~/.cache/uad-bench"), lambda: Path("relative")])
def test_a_user_without_a_home_folder_is_told_of_the_variable(monkeypatch, fallback):
    monkeypatch.delenv("UAD_BENCH_THING", raising=False)
    with pytest.raises(
        EnvironmentFault, match=r"no home folder for things.*: set UAD_BENCH_THING to a folder"
    ):
        user_folder("UAD_BENCH_THING", fallback, "things")
