"""Every name that the metrics plug-in registers leads to a metric of that name."""

import importlib
from pathlib import Path

from uad_bench.evaluate.metric import Metric
from uad_bench.evaluate.metrics.builtin import register_metrics


def test_registered_names_lead_to_metrics():
    found = {}
    register_metrics(lambda name, target, summary: found.update({name: (target, summary)}))
    assert set(found) >= {"ap", "ap_gain", "auroc", "prevalence", "dice", "fpr"}
    for name, (target, summary) in found.items():
        module, _, cls = target.partition(":")
        metric = getattr(importlib.import_module(module), cls)
        assert issubclass(metric, Metric)
        assert metric.name == name
        assert summary


def test_every_name_is_there_once_and_told_in_the_docs():
    found = []
    register_metrics(lambda name, target, summary: found.append(name))
    assert len(found) == len(set(found))
    told = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
    assert [name for name in found if f"`{name}`" not in told] == []
