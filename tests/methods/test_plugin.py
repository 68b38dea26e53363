"""Registered methods: every import path leads to a method, every summary is one short sentence."""

import pytest

from uad_bench import Method, plugins
from uad_methods.plugin import METHODS, register_methods


@pytest.mark.parametrize("name", METHODS)
def test_every_import_path_leads_to_a_method(name):
    entries = {}
    register_methods(lambda *entry: entries.update({entry[0]: entry[1:]}))
    target, summary = entries[name]
    assert issubclass(plugins.load(plugins.resolve("method", name)), Method)
    assert target == f"uad_methods.{METHODS[name][0]}"
    assert "\n" not in summary and 10 < len(summary) < 80 and not summary.endswith(".")


def test_uninformative_controls_are_marked_as_such():
    controls = {name for name in METHODS if plugins.load(plugins.resolve("method", name)).null}
    assert controls == {"random", "all-brain", "atlas-z"}
    assert all("control" in METHODS[name][1] for name in controls)
