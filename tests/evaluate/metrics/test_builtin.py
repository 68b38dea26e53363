"""The built-in metrics are registered like those of any plug-in."""

from uad_bench import plugins
from uad_bench.evaluate.metrics.builtin import register_metrics
from uad_bench.evaluate.metrics.declarations.table import METRICS


def registered():
    found = {}
    register_metrics(lambda name, target, summary: found.update({name: (target, summary)}))
    return found


def test_every_declared_metric_is_registered_with_its_summary():
    assert {name: summary for name, (_, summary) in registered().items()} == {
        name: one.summary for name, one in METRICS.items()
    }


def test_every_registered_name_loads_a_metric_of_that_name():
    for name, (target, _) in registered().items():
        assert plugins.load(plugins.resolve("metric", name)).name == name
        assert plugins.load(plugins.resolve("metric", target)).name == name  # `module:Class` in a protocol


def test_no_built_in_metric_is_broken():
    assert not [broken for broken in plugins.catalogue().broken if broken.source == "uad-bench"]
