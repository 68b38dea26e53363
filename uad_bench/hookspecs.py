"""The hooks that register methods, datasets and metrics. Built-in ones are registered in the same way.

A plug-in is a module that an entry point of the group `uad_bench` names and that implements any of these hooks. Each
hook is called with a function `register(name, "package.module:Class", "summary")`. It takes names instead of classes,
so that listing plug-ins imports nothing heavy. docs/plugins.md is a tutorial.
"""

from collections.abc import Callable

import pluggy

PROJECT = "uad_bench"
Register = Callable[[str, str, str], None]

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_methods(register: Register) -> None:
    """Register the methods of a plug-in: classes that derive from `uad_bench.Method`."""


@hookspec
def register_datasets(register: Register) -> None:
    """Register the datasets of a plug-in: classes that derive from `uad_bench.DatasetAdapter`."""


@hookspec
def register_metrics(register: Register) -> None:
    """Register the metrics of a plug-in: classes that derive from `uad_bench.Metric`."""
