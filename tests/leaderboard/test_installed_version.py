"""Versions of methods: recorded by runs, separate rows, marks of versions that are not installed."""

from dataclasses import dataclass, replace

import pytest

from uad_bench import Method, plugins
from uad_bench.config import RunSpec, load_protocol
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.collect import _marks, _settings
from uad_bench.leaderboard.installed_version import _class, installed_version
from uad_bench.leaderboard.layout.notes import notes
from uad_bench.pipeline.matrix import Matrix

RAISED = ("ae", "cddpm", "ddpm", "fanogan", "patch2loc", "pddpm", "phanes", "ra", "vae")


def spec(name="ae", **changes):
    target = plugins.catalogue().entries["method", name].target
    base = {"method": name, "target": target, "parameters": {}, "protocol": load_protocol("phantom")}
    return RunSpec(**{**base, "test": ("phantom",), "seed": 0, **changes})


@pytest.mark.parametrize("name", RAISED)
def test_methods_whose_numbers_changed_have_version_2(name):
    (made,) = Matrix(
        [{"ra": "ra:ssim", "phanes": "phanes:noperc"}.get(name, name)], protocol="phantom"
    ).specs()
    assert made.version == installed_version(made) == 2


def test_the_first_version_leaves_names_of_run_directories_and_settings_as_they_were():
    first, second = spec(), spec(version=2)
    assert first.run_id("c") != second.run_id("c")
    assert "run.version" not in _settings(first) and _settings(second)["run.version"] == 2
    old = first.model_dump(mode="json")
    del old["version"]
    assert RunSpec.model_validate(old).run_id("c") == first.run_id("c")


def test_runs_of_two_versions_are_two_rows_and_the_older_is_marked(make_run):
    mark = "ae was run with version 1 of the method, version 2 is installed"
    old = [make_run(seed=i, settings={"a": 1}, outdated=True, marks=(mark,)) for i in range(2)]
    new = [make_run(seed=i, settings={"a": 1, "run.version": 2}, version=2) for i in range(3)]
    (table,) = tables([*old, *new])
    assert sorted((row.label, row.done) for row in table.rows) == [
        ("ae (version 1)", 2),
        ("ae [run.version=2]", 3),
    ]
    assert any(mark in note for note in notes(table, []))
    (alone,) = tables(old)
    assert [row.label for row in alone.rows] == ["ae (version 1)"]
    (same,) = tables([replace(run, outdated=False) for run in old])
    assert [row.label for row in same.rows] == ["ae"]


def test_a_run_is_marked_with_its_version_and_the_installed_one():
    (mark,) = _marks(None, spec())
    assert mark.startswith("ae was run with version 1 of the method, version 2 is installed")
    assert _marks(None, spec(version=2)) == () and _marks(None, spec("thresh")) == ()


def test_code_that_is_not_installed_has_no_version():
    assert installed_version(spec(method="gone")) is None
    assert installed_version(spec(target="elsewhere:AE")) is None


def test_a_broken_plug_in_has_no_version(monkeypatch):
    entry = plugins.Entry("method", "lost", "no_such_module:Lost", "", "here")
    monkeypatch.setitem(plugins.catalogue().entries, ("method", "lost"), entry)
    assert _class("lost", entry.target) is None


def test_a_method_begins_with_version_1():
    @dataclass
    class New(Method):
        pass

    assert New.version == 1
