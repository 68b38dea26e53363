"""uad-bench: a benchmark of unsupervised anomaly detection in brain MRI.

`__all__` lists every name that a plug-in may import. Each name is loaded on first use, so that `import uad_bench` is
fast and listing plug-ins never imports torch. For scripts and notebooks there are `uad_bench.api` and, from it, `run`,
`predict`, `load_run`, `load_model`, `load_map` and `Results`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from uad_bench.config import Protocol as Protocol
    from uad_bench.config import RunSpec as RunSpec
    from uad_bench.data.adapter import DatasetAdapter as DatasetAdapter
    from uad_bench.evaluate.metric import Metric as Metric
    from uad_bench.hookspecs import hookimpl as hookimpl
    from uad_bench.method.base import Method as Method
    from uad_bench.method.context import Context as Context
    from uad_bench.method.slices import SliceStack as SliceStack
    from uad_bench.method.torch_method import TorchMethod as TorchMethod
    from uad_bench.types import Case as Case
    from uad_bench.types import Component as Component
    from uad_bench.types import Scan as Scan
    from uad_bench.types import Scored as Scored
    from uad_bench.types import Truth as Truth
    from uad_bench.types import Value as Value

_HOME = {
    "Case": "uad_bench.types",
    "Component": "uad_bench.types",
    "Context": "uad_bench.method.context",
    "DatasetAdapter": "uad_bench.data.adapter",
    "Method": "uad_bench.method.base",
    "Metric": "uad_bench.evaluate.metric",
    "Protocol": "uad_bench.config",
    "RunSpec": "uad_bench.config",
    "Scan": "uad_bench.types",
    "Scored": "uad_bench.types",
    "SliceStack": "uad_bench.method.slices",
    "TorchMethod": "uad_bench.method.torch_method",
    "Truth": "uad_bench.types",
    "Value": "uad_bench.types",
    "hookimpl": "uad_bench.hookspecs",
}

#: Of the Python interface. `prepare` and `evaluate` are in `uad_bench.api` alone: packages have these names here.
_API = ("Results", "load_map", "load_model", "load_run", "predict", "run")

__all__ = sorted(_HOME)  # noqa: PLE0605  # a sorted list of str, built from the table above


def __getattr__(name: str) -> Any:  # the type is that of the name asked for
    if name == "api" or name in _API:
        api = import_module("uad_bench.api")
        return api if name == "api" else getattr(api, name)
    if name not in _HOME:
        raise AttributeError(f"module 'uad_bench' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, *_API, "__version__", "api"]
