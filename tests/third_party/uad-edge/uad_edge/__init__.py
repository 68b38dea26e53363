"""Registers the method by name, so that `uad-bench list` imports nothing heavy."""

from uad_bench import hookimpl


@hookimpl
def register_methods(register):
    register("edge", "uad_edge.method:Edge", "gradient magnitude, from another distribution")
