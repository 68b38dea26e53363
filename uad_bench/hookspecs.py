"""The three hooks through which everything enters: methods, datasets, metrics; built-ins too.

A plug-in is a module named in the entry-point group `uad_bench` that implements any of these. Each hook gets
`register(name, "package.module:Class", "one line")`: names only, so that listing imports nothing heavy.
"""

from collections.abc import Callable

import pluggy

PROJECT = "uad_bench"
Register = Callable[[str, str, str], None]

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_methods(register: Register) -> None:
    """Name the methods of a plug-in: classes that derive from `uad_bench.Method`."""


@hookspec
def register_datasets(register: Register) -> None:
    """Name the datasets of a plug-in: classes that derive from `uad_bench.DatasetAdapter`."""


@hookspec
def register_metrics(register: Register) -> None:
    """Name the metrics of a plug-in: classes that derive from `uad_bench.Metric`."""
