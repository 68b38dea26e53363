"""The examples in the docstrings of `uad_bench.evaluate` run, and every metric and public class has one."""

import doctest
import importlib
import pkgutil

import pytest

import uad_bench.evaluate
from uad_bench.evaluate.metric import Metric
from uad_bench.evaluate.metrics.builtin import HOME
from uad_bench.evaluate.metrics.declarations.table import METRICS

MODULES = [found.name for found in pkgutil.walk_packages(uad_bench.evaluate.__path__, "uad_bench.evaluate.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("declaration", METRICS.values(), ids=lambda one: one.name)
def test_every_metric_has_an_example_that_uses_a_metric_of_its_class(declaration):
    module, _, name = declaration.target.partition(":")
    cls = getattr(importlib.import_module(f"{HOME}.{module}"), name)
    documented = next(one for one in cls.__mro__ if one.__doc__)
    assert documented is not Metric
    family = [documented, *documented.__subclasses__()]
    assert any(f"{one.__name__}()" in documented.__doc__ for one in family)
