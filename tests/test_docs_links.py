"""Every page that a reader meets: its links and the files that it names exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "benchmarks/*.md",
        "examples/**/*.md",
        "leaderboard/*.md",
        ".github/**/*.md",
    )
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"(?<!`)\[[^\[\]]*\]\(([^()\s]+)\)")
FOLDERS = "uad_bench|methods|datasets|docs|tests|scripts|benchmarks|examples|configs|leaderboard"
FILE = re.compile(rf"`((?:{FOLDERS})/[\w./-]+)`")
PLACEHOLDER = re.compile(r"/[A-Z]+\b(?<!README)")


def prose(path):
    """The text of a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(path):
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(path), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead(path):
    """The links of a page that lead nowhere."""
    for target in LINK.findall(prose(path)):
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        if not there.exists() or (anchor and anchor not in anchors(there)):
            yield target


def known(name):
    """Whether a file, folder or module is there; pages on the core may leave out `uad_bench/` and `.py`."""
    return any(
        (folder / f"{name}{end}").exists() for folder in (ROOT, ROOT / "uad_bench") for end in ("", ".py")
    )


def test_a_dead_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# One heading\n[a](page.md#one-heading) [b](#two) [c](other.md) [d](https://example.org)\n"
    )
    assert list(dead(page)) == ["#two", "other.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert list(dead(page)) == []


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name != "CHANGELOG.md"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_files_that_a_page_names_exist(page):
    named = {name for name in FILE.findall(prose(page)) if not PLACEHOLDER.search(name)}
    assert {name for name in named if not known(name)} == set()


def test_every_page_of_the_documentation_is_in_its_index():
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text())}
    pages = {path for path in (ROOT / "docs").glob("*.md") if path != index}
    assert pages - listed == set()
