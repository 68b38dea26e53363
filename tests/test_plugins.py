"""Names first, classes only when used; what is broken is listed, not fatal."""

import types

import pytest

from uad_bench import hookspecs, plugins
from uad_bench.errors import PluginError, UsageError

FILE = "tests/helpers/toy_methods.py"


def module(**hooks):
    """A plug-in module with these hooks."""
    found = types.ModuleType("fake")
    for name, function in hooks.items():
        setattr(found, name, hookspecs.hookimpl(function))
    return found


def collect(*modules):
    found = plugins.Catalogue()
    for one in modules:
        plugins._collect(found, one, "dist")
    return found


def test_hooks_register_names_without_importing_the_class():
    def register_methods(register):
        register("mine", "no.such.module:Mine", "a summary")

    found = collect(module(register_methods=register_methods))
    assert [e.name for e in found.names("method")] == ["mine"]
    with pytest.raises(PluginError, match=r"no\.such\.module"):
        plugins.load(found.names("method")[0])


@pytest.mark.parametrize("name", ["<script>", "a|b", "=HYPERLINK()", "../x", "Ünicode", "", "x" * 99])
def test_f64_a_name_that_would_hurt_a_table_is_listed_as_broken(name):
    found = plugins.Catalogue()
    found.add("method", name, "a:B", "", "dist")
    assert not found.entries
    assert "must match" in found.broken[0].reason


def test_a_method_has_no_at_sign_in_its_name_because_modalities_follow_it():
    found = plugins.Catalogue()
    for kind in ("method", "dataset"):
        found.add(kind, "mine@v2", "a:B", "", "dist")
    assert set(found.entries) == {("dataset", "mine@v2")} and "must match" in found.broken[0].reason
    with pytest.raises(UsageError, match="'mine@V2' is no name for a method") as caught:
        plugins.resolve("method", "folder/mine@V2.py")
    assert caught.value.code == "UB205"


def test_f62_two_plugins_with_one_name_keep_the_first_and_name_both():
    found = plugins.Catalogue()
    found.add("method", "mine", "a:A", "", "first")
    found.add("method", "mine", "b:B", "", "second")
    assert found.entries["method", "mine"].source == "first"
    assert "first" in found.broken[0].reason and found.broken[0].source == "second"


def test_f63_a_hook_of_another_version_is_refused_by_name():
    def register_method(register):
        """One letter short."""

    with pytest.raises(Exception, match="register_method"):
        collect(module(register_method=register_method))


def test_a_package_without_a_marked_hook_is_refused():
    unmarked = types.ModuleType("fake")
    unmarked.register_methods = lambda register: register("mine", "a:B")
    with pytest.raises(PluginError, match=r"no hook found.*register_methods.*hookimpl"):
        collect(unmarked)


@pytest.mark.parametrize("target", [int, "a.b.C", "a b:C", ":C", "a:", None])
def test_a_target_that_names_no_class_of_a_module_is_listed_as_broken(target):
    found = plugins.Catalogue()
    found.add("method", "mine", target, "", "dist")
    assert not found.entries and "expected 'package.module:Class'" in found.broken[0].reason


def test_what_a_plugin_prints_when_it_is_imported_is_no_output_of_a_command(monkeypatch, tmp_path, capsys):
    class Point:
        name, value, dist = "loud", "loud", None

        def load(self):
            print("imported")
            return module(register_metrics=lambda register: print("registered"))

    monkeypatch.setattr(plugins, "entry_points", lambda group: [Point()])
    plugins.catalogue.cache_clear()
    (tmp_path / "mine.py").write_text("from uad_bench import Method\nprint('loaded')\nclass A(Method): ...\n")
    try:
        assert not plugins.catalogue().broken
        plugins.load(plugins.resolve("method", str(tmp_path / "mine.py")))
    finally:
        plugins.catalogue.cache_clear()
    out, err = capsys.readouterr()
    assert out == "" and err.split() == ["imported", "registered", "loaded"]


def test_f63_a_plugin_of_another_version_is_listed_with_the_version_of_this_one(monkeypatch):
    class Point:
        name, value, dist = "old", "old.plugin", None

        def load(self):
            raise ImportError("cannot import name 'OldBase' from 'uad_bench'")

    monkeypatch.setattr(plugins, "entry_points", lambda group: [Point()])
    plugins.catalogue.cache_clear()
    try:
        (broken,) = plugins.catalogue().broken
        assert "OldBase" in broken.reason and f"this is {plugins._own_version()}" in broken.reason
    finally:
        plugins.catalogue.cache_clear()


@pytest.mark.parametrize("error", [RuntimeError("boom"), SystemExit("boom")])
def test_f51_a_plugin_that_fails_on_import_is_listed_and_the_others_stay(monkeypatch, error):
    class Point:
        name, value, dist = "bad", "bad.plugin", None

        def load(self):
            raise error

    monkeypatch.setattr(plugins, "entry_points", lambda group: [Point()])
    plugins.catalogue.cache_clear()
    try:
        assert plugins.catalogue().broken == [
            plugins.Broken("bad", "bad.plugin", f"{type(error).__name__}: boom")
        ]
    finally:
        plugins.catalogue.cache_clear()


def test_a_file_path_stands_wherever_a_name_does():
    assert plugins.load(plugins.resolve("method", f"{FILE}:Raises")).__name__ == "Raises"
    with pytest.raises(UsageError, match=r"path.py:Class"):
        plugins.load(plugins.resolve("method", FILE))
    with pytest.raises(UsageError, match="no such file"):
        plugins.load(plugins.resolve("method", "nowhere.py:X"))


@pytest.mark.parametrize("line", ["pretrained_on = 'brats21'", "modalities = 't2'", "pretrained_on = None"])
def test_a_word_in_place_of_a_tuple_of_words_is_refused(tmp_path, line):
    path = tmp_path / "mine.py"
    path.write_text(f"from uad_bench import Method\nclass A(Method):\n    {line}\n")
    with pytest.raises(PluginError, match=r"A\.\w+ is .*, not a tuple of words.*with the comma"):
        plugins.load(plugins.resolve("method", str(path)))


def test_a_class_that_is_no_method_is_refused():
    with pytest.raises(PluginError, match="not a Method class"):
        plugins.load(plugins.Entry("method", "p", "pathlib:Path", "", "s"))


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(UsageError, match="did you mean phantom"):
        plugins.resolve("dataset", "fantom")


@pytest.mark.parametrize(
    "name", ["<script>.py", "a|b.py", "=HYPERLINK().py", "a b.py", "\u202ename.py", "x" * 80 + ".py"]
)
def test_f64_a_file_whose_name_would_break_a_table_is_refused(name):
    with pytest.raises(UsageError) as caught:
        plugins.resolve("method", name)
    assert caught.value.code == "UB205"
