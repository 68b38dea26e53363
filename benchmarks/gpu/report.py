"""One JSON file and one Markdown file from the rows of all parts."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def write(out: Path, facts: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]]) -> None:
    """OUT.json and OUT.md. Parts of an earlier call that are in OUT.json stay; those of this call replace them.

    parts: by name {"rows", "seconds"}.
    """
    path = out.with_suffix(".json")
    kept = json.loads(path.read_text())["parts"] if path.exists() else {}
    everything = {**kept, **{name: {**part, "machine": dict(facts)} for name, part in parts.items()}}
    path.write_text(json.dumps({"parts": everything}, indent=1))
    out.with_suffix(".md").write_text("\n".join(markdown(everything)))


def markdown(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The lines of the report."""
    lines = []
    for name, part in parts.items():
        machine = ", ".join(f"{key} {value}" for key, value in part["machine"].items())
        lines += [f"## {name}", "", f"{machine}; {part['seconds']:.0f} s.", "", *_table(part["rows"]), ""]
    return lines


def _table(rows: Rows) -> list[str]:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return lines + ["| " + " | ".join(str(row.get(key, "")) for key in columns) + " |" for row in rows]
