"""Every registered metric through the engine, on cases of every sort: a number or a reason, never an error."""

from dataclasses import replace

import numpy as np
import pytest

from uad_bench import plugins
from uad_bench.evaluate import engine
from uad_bench.evaluate.metrics.builtin import register_metrics
from uad_bench.evaluate.thresholds import Threshold, resolve

RULES = ("tune", "tune_fpr05", "oracle_set", "oracle_case", "oracle_fpr05", "healthy_q95")


def metrics():
    names = []
    register_metrics(lambda name, target, summary: names.append(target))
    return [plugins.load(plugins.resolve("metric", target))() for target in names]


def odd_cases(scored):
    """Without lesion, without brain, all missed, a constant map, a map of infinitesimals, one with an image."""
    plain = scored("plain")
    yield plain
    yield scored("no-lesion", lesion_voxels=0)
    yield scored("no-brain", brain=False)
    yield replace(plain, case_id="missed", lesion_mask=~plain.brain_mask)
    yield replace(plain, case_id="lost", lesion_mask=np.zeros_like(plain.lesion_mask), lost=4)
    yield replace(plain, case_id="all", lesion_mask=np.ones_like(plain.lesion_mask))
    yield replace(plain, case_id="flat", map=np.zeros_like(plain.map))
    yield replace(plain, case_id="tiny", map=plain.map * np.float32(1e-42))
    yield replace(plain, case_id="image", image=plain.map[np.newaxis], lesion_kind="ms")
    yield scored("healthy", healthy=True)
    yield scored("healthy-no-brain", healthy=True, brain=False)


def test_every_metric_answers_every_case(scored):
    cases = list(odd_cases(scored))
    found = resolve(RULES, validation=[scored("v", healthy=True)], tune=[scored("t")], test=cases)
    result = engine.evaluate(cases, metrics(), found)
    assert all((row.value is None) == bool(row.reason) for row in result.case_rows)
    assert {row.case_id for row in result.case_rows} == {case.case_id for case in cases}
    worst = {row.metric: row for row in result.case_rows if row.case_id == "missed"}
    assert worst["lesion_recall@tune"].value == worst["lesion_f1_iou10@tune"].value == 0


@pytest.mark.parametrize("reason", ["no_tune", "no_threshold"])
def test_a_rule_without_threshold_leaves_every_thresholded_metric_without_value(scored, reason):
    asked = [metric for metric in metrics() if metric.per_rule]
    nothing = {"tune": Threshold("tune", None, reason=reason)}
    result = engine.evaluate([scored("a"), scored("h", healthy=True)], asked, nothing)
    rows = [row for row in result.case_rows if not row.metric.startswith("detect_contrast")]
    assert {(row.value, row.reason) for row in rows} == {(None, reason)}
