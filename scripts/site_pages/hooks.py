"""Hooks of the documentation site (mkdocs.yml): pages from the code, pages from outside docs/, links between them."""

import re
import sys
from pathlib import Path
from posixpath import relpath
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

import reference

ROOT = Path(__file__).parents[2]
#: Pages of the repository that the site shows, and where.
OUTSIDE = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "benchmarks/README.md": "project/benchmarks.md",
    "leaderboard/README.md": "project/leaderboard.md",
    "examples/minimal/README.md": "project/examples.md",
}
LINK = re.compile(r"(!?)\[([^\[\]]*)\]\(([^()\s]+)\)")


def slug(text: str, separator: str = "-") -> str:
    """The anchor that GitHub makes of a heading, so that one link is right in both places."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", separator)


def on_config(config: Any) -> Any:
    """Anchors as on GitHub."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = slug
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made of the code, and those from outside docs/ with their pictures."""
    for path, text in reference.pages():
        files.append(File.generated(config, path, content=text))
    for source, target in OUTSIDE.items():
        files.append(File.generated(config, target, content=(ROOT / source).read_text(encoding="utf-8")))
        for picture in pictures(ROOT / source):
            place = f"{Path(target).parent}/{picture.name}"
            if not files.get_file_from_path(place):
                files.append(File.generated(config, place, content=picture.read_bytes()))
    return files


def pictures(page: Path) -> list[Path]:
    """The pictures of a page that lie outside docs/."""
    found = [(page.parent / target).resolve() for mark, _, target in LINK.findall(page.read_text()) if mark]
    return [path for path in found if path.is_file() and not path.is_relative_to(ROOT / "docs")]


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Links to files of the repository become links to pages of the site, or the name alone where the site has none."""
    target = page.file.src_uri
    origin = next(
        (ROOT / source for source, there in OUTSIDE.items() if there == target), ROOT / "docs" / target
    )
    parts = re.split(r"(^```.*?^```)", markdown, flags=re.DOTALL | re.MULTILINE)
    plain = [
        part if part.startswith("```") else LINK.sub(lambda m: link(m, origin, target), part)
        for part in parts
    ]
    return "".join(plain)


def link(match: re.Match[str], origin: Path, page: str) -> str:
    """A link of the page at `origin`, as the page of the site needs it."""
    mark, text, address = match.groups()
    file, hash_, anchor = address.partition("#")
    if not file or "://" in address or address.startswith("mailto:"):
        return match[0]
    there = (origin.parent / file).resolve()
    if not there.exists():  # left as it is, so that the check of links names it
        return match[0]
    if mark and not there.is_relative_to(ROOT / "docs"):
        return f"![{text}]({there.name})"
    place = site_place(there)
    if place is None:
        return text
    return f"{mark}[{text}]({relpath(place, str(Path(page).parent))}{hash_}{anchor})"


def site_place(path: Path) -> str | None:
    """Where the site has a file or folder of the repository; None where it has not."""
    if path.is_dir() and (path / "README.md").is_file():
        path = path / "README.md"
    if not path.is_relative_to(ROOT):
        return None
    name = str(path.relative_to(ROOT))
    if name == "README.md":
        return "README.md"
    if name.startswith("docs/"):
        return name.removeprefix("docs/") if path.is_file() else None
    return OUTSIDE.get(name)
