"""Which rows are in the Pareto set of accuracy and cost."""

from dataclasses import replace

import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.layout.cost_points import (
    cost_points,
    measured_devices,
    pareto_labels,
    withheld,
    withheld_text,
)
from uad_bench.leaderboard.run_summary import Cost


def table(**costs):
    rows = [
        replace(handmade.row(name, 0.5 - i / 10, i + 1), cost=cost)
        for i, (name, cost) in enumerate(costs.items())
    ]
    free = replace(handmade.row("free", 0.9, None), null=True, cost=Cost(score_s=0.0))
    return handmade.table([free, *rows])


def test_controls_and_incomplete_rows_are_not_in_the_pareto_set_and_beat_no_row():
    found = table(a=Cost(score_s=4.0), b=Cost(score_s=2.0), c=Cost(score_s=3.0))
    points = cost_points(found)["score_s"]
    assert pareto_labels(found, points) == ["b", "a"]
    rows = [replace(row, done=1) if row.label == "b" else row for row in found.rows]
    assert pareto_labels(replace(found, rows=rows), points) == ["c", "a"]


def test_times_of_several_devices_are_not_compared():
    found = table(
        a=Cost(score_s=4.0, parameters=10, device="cpu"), b=Cost(score_s=2.0, parameters=20, device="gpu")
    )
    assert measured_devices(found) == ["cpu", "gpu"] and set(cost_points(found)) == {"parameters"}
    assert withheld_text(found) == (
        "Not compared, since rows were measured on several devices (cpu; gpu; an unknown one): "
        "scoring, s per volume."
    )
    known = replace(found, rows=found.rows[1:])
    assert "several devices (cpu; gpu): scoring" in withheld_text(known)


@pytest.mark.parametrize("device", ["cpu, gpu", ""])
def test_seeds_on_several_devices_or_on_an_unknown_one_are_not_compared(device):
    found = table(a=Cost(peak_mib=4, device=device), b=Cost(peak_mib=2, device="cpu"))
    assert withheld(found) == ["peak_mib"] and cost_points(found) == {}


def test_a_row_without_a_cost_does_not_withhold_it_from_others():
    found = table(a=Cost(fit_s=4.0, device="gpu"), b=Cost(fit_s=2.0, device="gpu"), c=Cost(device="cpu"))
    assert withheld(found) == [] and set(cost_points(found)) == {"fit_s"}
