"""The plug-in that registers the built-in metrics; a metric of another package is registered in the same way."""

from uad_bench.evaluate.metrics.declarations.table import METRICS
from uad_bench.hookspecs import Register, hookimpl

HOME = "uad_bench.evaluate.metrics"


@hookimpl
def register_metrics(register: Register) -> None:
    """Register every declared metric by name; no metric class is imported."""
    for declaration in METRICS.values():
        register(declaration.name, f"{HOME}.{declaration.target}", declaration.summary)
