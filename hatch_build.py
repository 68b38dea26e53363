"""Files of a wheel or an sdist that the repository does not hold there: commit, pages that errors name, NiiVue."""

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShippedFiles(BuildHookInterface):  # type: ignore[type-arg]
    """Adds commit.txt, docs/**/*.md and web/niivue.js; `uad_bench.support.package_files` finds them.

    scripts/web.py fetches web/niivue.js; a wheel that is built without it lacks the viewer's library. Its licence is a
    file of the package uad_bench.viewer.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to a build; an editable installation reads those of the checkout."""
        if version == "editable":
            return
        root, added = Path(self.root), build_data["force_include"]
        commit = root / "commit.txt"  # of an sdist
        if not commit.is_file():
            commit = root / "build" / "commit.txt"  # not among the files in dist/ that are uploaded
            commit.parent.mkdir(parents=True, exist_ok=True)
            commit.write_text(_commit(root) + "\n")
        library = root / "web" / "niivue.js"
        if self.target_name == "sdist":
            added[str(commit)] = "commit.txt"
            if library.is_file():
                added[str(library)] = "web/niivue.js"
            return
        if library.is_file():
            added[str(library)] = "uad_bench/_shipped/web/niivue.js"
        added[str(commit)] = "uad_bench/_shipped/commit.txt"
        for page in sorted((root / "docs").rglob("*.md")):
            added[str(page)] = f"uad_bench/_shipped/{page.relative_to(root)}"


def _commit(root: Path) -> str:
    """The commit of the checkout, "+dirty" if files differ from it; "" outside one."""
    try:
        head, changes = (
            subprocess.run(
                ["git", "-C", str(root), *words], capture_output=True, text=True, check=True
            ).stdout
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.strip() + ("+dirty" if changes.strip() else "")
