"""Metric classes take their facts from the declarations: none of them is written twice."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from uad_bench.evaluate.metrics.declarations.table import METRICS

if TYPE_CHECKING:
    from uad_bench.evaluate.metric import Metric

MetricClass = TypeVar("MetricClass", bound="type[Metric]")


def declared(name: str) -> Callable[[MetricClass], MetricClass]:
    """A class decorator that sets the declared facts of a metric on its class.

    Raises ValueError where the declaration names another class.
    """
    declaration = METRICS[name]

    def with_facts(cls: MetricClass) -> MetricClass:
        if cls.__name__ != declaration.class_name:
            raise ValueError(f"metric {name!r} is declared as {declaration.class_name}, not {cls.__name__}")
        for key, value in declaration.attributes().items():
            setattr(cls, key, value)
        return cls

    return with_facts


def variant(base: MetricClass, name: str) -> MetricClass:
    """The subclass of `base` that is one member of a family: only the declared constants differ.

    Assign it to the class name of the declaration: entry points and pickle find it by that name.
    """
    cls: Any = type(METRICS[name].class_name, (base,), {"__module__": base.__module__})
    made: MetricClass = declared(name)(cls)
    return made
