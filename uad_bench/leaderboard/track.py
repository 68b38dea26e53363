"""The track of a run: what its method learns from."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from uad_bench.config import RunSpec
from uad_bench.leaderboard.installed_version import installed_class
from uad_bench.results.run_directory import RunDir
from uad_bench.types import USUAL_TRACK

log = logging.getLogger(__name__)

#: The rule of the audit that a run with weights from elsewhere was recorded under before there were tracks.
BORROWED = "L11"


def track_of(run: RunDir, spec: RunSpec, facts: Mapping[str, Any]) -> str:
    """The track that a run recorded; for runs of versions without tracks that of the method that is installed.

    Where it is not installed: "features" if the audit of the run names weights from elsewhere, else "healthy".
    facts: what the run recorded of its method.
    """
    if "track" in facts:
        return str(facts["track"])
    cls = installed_class(spec)
    if cls is not None:
        return _declared(cls, spec, run)
    return _of_audit(run, USUAL_TRACK)


def _declared(cls: type[Any], spec: RunSpec, run: RunDir) -> str:
    try:
        return str(cls(**spec.parameters).learns_from())
    except Exception:  # another version of the method may not take these parameters
        log.warning("%s: its track is that of the class: this version refuses its parameters", run.name)
        return _of_audit(run, str(getattr(cls, "track", USUAL_TRACK)))


def _of_audit(run: RunDir, declared: str) -> str:
    """The declared track, or "features" where that is the usual one and the audit names weights from elsewhere."""
    return "features" if declared == USUAL_TRACK and _borrowed(run) else declared


def _borrowed(run: RunDir) -> bool:
    """Whether the audit of a run names weights that were trained on other data."""
    path = run.path / "audit.json"
    found = json.loads(path.read_text()) if path.is_file() else []
    return any(one.get("rule") == BORROWED for one in found)
