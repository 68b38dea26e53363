"""Check a built site: every internal link and anchor leads somewhere, and no page loads anything from another place.

python scripts/site_pages/check.py FOLDER
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}


class Page(HTMLParser):
    """The links, anchors and loaded files of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what the tag names."""
        for name, value in attrs:
            if name in {"id", "name"} and value:
                self.anchors.add(value)
            if (tag, name) in LOADED and value and dict(attrs).get("rel") != "canonical":
                self.loads.append(value)
            if (tag, name) == ("a", "href") and value:
                self.links.append(value)


def faults(folder: Path) -> list[str]:
    """Each dead link and each file from another place, with its page."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    found = []
    for path, page in pages.items():
        for address in page.links + page.loads:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                if address in page.loads and parts.scheme != "data":
                    found.append(f"{path.name}: loads {address}")
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = there / "index.html" if there.is_dir() else there
            anchor = unquote(parts.fragment)
            absent = not there.is_file() or (anchor and there in pages and anchor not in pages[there].anchors)
            if absent and path.name != "404.html":
                found.append(f"{path.relative_to(folder.resolve())}: {address}")
    return found


if __name__ == "__main__":
    site = Path(sys.argv[1])
    bad = faults(site)
    print("\n".join(bad) or f"{len(list(site.rglob('*.html')))} pages, every internal link leads somewhere")
    sys.exit(1 if bad else 0)
