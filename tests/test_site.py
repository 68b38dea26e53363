"""The documentation site: its pages are all in the navigation, links lead somewhere. scripts/site builds it in CI."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "scripts" / "site_pages"


def module(name):
    """A module of scripts/site_pages."""
    spec = importlib.util.spec_from_file_location(f"site_{name}", FOLDER / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


class Config(yaml.SafeLoader):
    """mkdocs.yml may have tags of its own."""


def in_nav(node):
    if isinstance(node, str):
        yield node
    elif isinstance(node, list | dict):
        for one in node.values() if isinstance(node, dict) else node:
            yield from in_nav(one)


def test_every_page_of_docs_is_in_the_navigation():
    config = yaml.load((ROOT / "mkdocs.yml").read_text(), Loader=Config)
    named = {page for page in in_nav(config["nav"]) if not page.startswith(("reference/", "project/"))}
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert named <= pages
    assert {page for page in pages - named if not re.match(r"decisions/0", page)} == set()
    assert config["theme"]["font"] is False


def test_a_dead_link_a_dead_anchor_and_a_file_from_elsewhere_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#x">ok</a><a href="b.html#y">dead</a><a href="c.html">dead</a>'
        '<a href="https://example.org">elsewhere</a><script src="https://example.org/x.js"></script>'
    )
    (tmp_path / "b.html").write_text(
        '<h1 id="x">x</h1><img src="data:image/png;base64,AA=="><a href="#x"></a>'
    )
    found = module("check").faults(tmp_path)
    assert found == ["a.html: b.html#y", "a.html: c.html", "a.html: loads https://example.org/x.js"]


@pytest.fixture(scope="module")
def pages():
    """The pages of the reference, by path."""
    return dict(module("reference").pages())


def test_the_reference_has_every_verb_option_and_plug_in(pages):
    from uad_bench import plugins
    from uad_bench.prepare.chain import STEPS

    assert "## uad-bench draw inside" in pages["reference/cli.md"] and "`--log`" in pages["reference/cli.md"]
    for kind in ("method", "dataset", "metric"):
        for entry in plugins.catalogue().names(kind):
            assert f"\n## {entry.name}\n" in pages[f"reference/{kind}s.md"]
    assert all(f"\n## {step}\n" in pages["reference/steps.md"] for step in STEPS)
    assert "| `lr` | `float` | `0.0001` | learning rate |" in pages["reference/methods.md"]
    assert "percentiles that become 0 and 1" in pages["reference/steps.md"]


def test_links_of_pages_from_outside_docs_are_those_of_the_site(monkeypatch):
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    hooks = module("hooks")
    match = hooks.LINK.search("see [data](../docs/data.md#x)")
    assert (
        hooks.link(match, ROOT / "benchmarks" / "README.md", "project/benchmarks.md")
        == "[data](../data.md#x)"
    )
    match = hooks.LINK.search("[ae.py](../methods/uad_methods/ae.py)")
    assert hooks.link(match, ROOT / "docs" / "plugins.md", "plugins.md") == "ae.py"
    match = hooks.LINK.search("[gone](gone.md)")  # mkdocs names it, and --strict ends the build
    assert hooks.link(match, ROOT / "docs" / "plugins.md", "plugins.md") == "[gone](gone.md)"
    assert hooks.slug("`fit(train, val)`: what?") == "fittrain-val-what"
