"""The Python interface: what the command line does, as functions for scripts and notebooks.

Errors are those of the command line (`uad_bench.errors`). Messages go to `logging`; `uad_bench.support.messages.show()`
prints them. docs/api.md has examples.
"""

from uad_bench.api.maps import evaluate
from uad_bench.api.models import load_model, predict, prepare, score
from uad_bench.api.results import Results
from uad_bench.api.runs import load_map, load_run, run

__all__ = ["Results", "evaluate", "load_map", "load_model", "load_run", "predict", "prepare", "run", "score"]
