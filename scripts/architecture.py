"""Write the drawing of the packages into docs/architecture.md, from the imports in the code.

python scripts/architecture.py [--check]: with --check nothing is written, and exit code 1 says that the page is out of
date. An arrow stands for at least one import; an arrow that others imply (A -> B -> C implies A -> C) is left out.
"""

import sys
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- drawing: begin -->", "<!-- drawing: end -->"
WORDS = {
    "cli": "cli<br/>commands",
    "api": "api<br/>functions for scripts and notebooks",
    "engines": "engines<br/>several runs at once",
    "pipeline": "pipeline<br/>one run, stage by stage; matrices of runs",
    "data_report": "data_report<br/>HTML report of prepared cases",
    "template": "template<br/>packages of new plug-ins",
    "testing": "testing<br/>conformance checks for plug-ins",
    "viewer": "viewer<br/>pages that show maps in a browser",
    "figures": "figures<br/>PNG and SVG",
    "leaderboard": "leaderboard<br/>tables, statistics, formats",
    "weights": "weights<br/>bundles of models, pretrained weights",
    "results": "results<br/>run directories, BIDS export",
    "cohort": "cohort<br/>cases, roles, audit",
    "prepare": "prepare<br/>steps, registration, cache",
    "evaluate": "evaluate<br/>metrics, curves, thresholds",
    "method": "method<br/>contract, context, training loop",
    "data": "data<br/>NIfTI, adapters, splits, audit",
    "config": "config<br/>Protocol, RunSpec",
    "plugins": "plugins<br/>entry points",
    "hookspecs": "hookspecs",
    "support": "support<br/>files, processes, messages",
    "types": "types<br/>Case, Scan, Truth, Scored",
    "errors": "errors",
}


def edges() -> set[tuple[str, str]]:
    """Which package imports which, below uad_bench."""
    graph = grimp.build_graph("uad_bench", cache_dir=None)
    pairs = (
        (one.split(".")[1:2], other.split(".")[1:2])
        for one in graph.modules
        for other in graph.find_modules_directly_imported_by(one)
    )
    named = {(one[0], other[0]) for one, other in pairs if one and other and one != other}
    return {(one, other) for one, other in named if one in WORDS and other in WORDS}


def reduced(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Without the edges that a longer path implies."""

    def reachable(start: str, without: tuple[str, str]) -> set[str]:
        found: set[str] = set()
        todo = [start]
        while todo:
            node = todo.pop()
            new = {b for a, b in pairs if a == node and (a, b) != without} - found
            found |= new
            todo += new
        return found

    return {(one, other) for one, other in pairs if other not in reachable(one, (one, other))}


def drawing() -> str:
    """The drawing in Mermaid."""
    lines = ["```mermaid", "flowchart TD"]
    lines += [f'  {name}["{words}"]' for name, words in WORDS.items()]
    lines += [f"  {one} --> {other}" for one, other in sorted(reduced(edges()))]
    lines += [
        '  guests["uad_methods, uad_datasets, packages of others"]',
        "  plugins -. entry points .-> guests",
    ]
    return "\n".join([*lines, "```"])


def page() -> str:
    """docs/architecture.md with the drawing of today's code."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n{drawing()}\n{END}{after}"


if __name__ == "__main__":
    new = page()
    if "--check" in sys.argv:
        sys.exit(new != PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(new, encoding="utf-8")
