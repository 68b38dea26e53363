"""What the page says of a table: the metric of its values, printable texts, and why a table cannot be shown."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.helpers import handmade
from uad_bench.errors import DataError
from uad_bench.leaderboard.statistics.row_data import per_case_metric
from uad_bench.viewer import write
from uad_bench.viewer.selection import ViewedRun
from uad_bench.viewer.table_facts import chosen_cases, table_facts

HIDDEN = "x\u202ey\u200bz\n"


def viewed(row, *steps):
    protocol = SimpleNamespace(postprocess=[{"step": step} for step in steps])
    run = SimpleNamespace(spec=lambda: SimpleNamespace(protocol=protocol))
    return ViewedRun(row, run, SimpleNamespace(seed=0, fold=None))


def member(case_id):
    return SimpleNamespace(case=SimpleNamespace(case_id=case_id))


@pytest.mark.parametrize("primary", ["ap.pooled", "ap.case", "dice.pooled@tune", "dice@tune"])
def test_i17_values_of_cases_have_the_name_of_the_per_case_metric(primary):
    row = handmade.row("ae", 0.4)
    facts = table_facts(
        handmade.table([row], primary=primary), [viewed(row)], [member("case01")], {"case01": "worst"}
    )
    assert facts["metric"] == per_case_metric(primary) in ("ap", "dice@tune")
    assert facts["cases"][0]["values"] == [row.values["case01"]]


def test_i17_the_leader_is_the_number_of_its_method():
    runs = [viewed(handmade.row(f"m{rank}", 0.5, rank)) for rank in (3, 1, 2)]
    facts = table_facts(handmade.table([one.row for one in runs]), runs, [], {})
    assert facts["leader"] == 1 and facts["reason"] == "the highest-ranked method with stored maps"


def test_i17_names_on_the_page_have_no_hidden_or_right_to_left_characters():
    row = handmade.row(HIDDEN, 0.4, values={HIDDEN: 0.3})
    table = handmade.table([row], test=HIDDEN, protocol=HIDDEN)
    facts = table_facts(table, [viewed(row)], [member(HIDDEN)], {HIDDEN: "worst"})
    texts = json.dumps(facts, ensure_ascii=False)
    assert texts.isprintable() and texts.count(r"x\\u202ey\\u200bz\\n") == 4
    assert facts["cases"][0]["values"] == [0.3]  # found by the id as it is


def reason_of(table, runs, shown):
    with pytest.raises(DataError) as caught:
        chosen_cases(table, runs, shown, 3)
    assert caught.value.code == "UB346" and "Tested on mslub, trained on ixi, protocol uad-1mm" in str(
        caught.value
    )
    return caught.value.what


def test_i17_a_table_that_cannot_be_shown_has_its_reason():
    without = viewed(handmade.row("ae", 0.4, values={"case01": None}))
    table = handmade.table([without.row], primary="ap.pooled")
    assert reason_of(table, [], []) == "the table has no complete run"
    assert reason_of(table, [without], []) == "no run of the table has stored maps"
    assert reason_of(table, [without], [without]) == "no case of the table has a value of ap for ae"


def test_i17_cases_are_chosen_by_the_leader_among_the_methods_with_maps():
    first, second = (
        viewed(handmade.row(name, 0.5, rank, values={name: 0.5})) for rank, name in ((1, "a"), (2, "b"))
    )
    table = handmade.table([first.row, second.row])
    assert list(chosen_cases(table, [first, second], [second], 3)) == ["b"]
    assert list(chosen_cases(table, [first, second], [first, second], 3)) == ["a"]


def test_i17_the_notes_of_the_page_hold_with_steps_that_change_the_thresholded_map():
    text = re.sub(
        r"\s+", " ", (Path(write.__file__).parent / "page" / "index.html").read_text(encoding="utf-8")
    )
    assert "upper bound" not in text and "is exact" not in text
    assert "Dice is computed from them, before any steps that change the thresholded map." in text
    assert "† a rule that uses the test labels; not a result." in text
    assert "largest Dice of this case, before any steps that change the thresholded map." in text
    assert (
        "The value next to a case is the mean over seeds; the maps are those of the seed that is named."
        in text
    )
