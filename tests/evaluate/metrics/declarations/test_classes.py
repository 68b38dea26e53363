"""Metric classes get their facts from the declarations; a variant is a class of its own that can be pickled."""

import importlib
import pickle

import pytest

from uad_bench.evaluate.metric import Metric
from uad_bench.evaluate.metrics import surface, voxel
from uad_bench.evaluate.metrics.builtin import HOME
from uad_bench.evaluate.metrics.declarations.classes import declared, variant
from uad_bench.evaluate.metrics.declarations.table import METRICS


def class_of(declaration):
    module, _, name = declaration.target.partition(":")
    return getattr(importlib.import_module(f"{HOME}.{module}"), name)


@pytest.mark.parametrize("declaration", METRICS.values(), ids=lambda one: one.name)
def test_every_class_has_the_facts_of_its_declaration(declaration):
    cls = class_of(declaration)
    assert issubclass(cls, Metric)
    assert {key: getattr(cls, key) for key in declaration.attributes()} == declaration.attributes()


def test_a_variant_is_found_by_its_name_and_differs_by_its_constants():
    assert voxel.PartialAuroc05.__mro__[1] is voxel.PartialAuroc is voxel.PartialAuroc30.__mro__[1]
    assert (voxel.PartialAuroc05.limit, voxel.PartialAuroc30.limit) == (0.05, 0.3)
    assert (voxel.PartialAuroc05.__module__, voxel.PartialAuroc05.__name__) == (
        voxel.__name__,
        "PartialAuroc05",
    )
    assert "limit" not in vars(voxel.PartialAuroc)


@pytest.mark.parametrize("cls", [class_of(one) for one in METRICS.values()], ids=lambda cls: cls.name)
def test_metrics_can_be_pickled(cls):
    assert type(pickle.loads(pickle.dumps(cls()))) is cls


def test_a_class_that_the_declaration_does_not_name_is_refused():
    with pytest.raises(ValueError, match="'dice' is declared as Dice, not Other"):

        @declared("dice")
        class Other(Metric):
            pass


def test_a_metric_without_declaration_is_refused():
    with pytest.raises(KeyError, match="nsd_3mm"):
        variant(surface.NormalisedSurfaceDice, "nsd_3mm")
