"""The verdict on a table, in one sentence."""

from dataclasses import replace

import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.layout.verdict import verdict

FIRST = "patch2loc:conv has the highest AP per case, 0.420 [0.370, 0.470]"


def compared(**p):
    """The ranked rows of the full table with these p values of the difference to the best row."""
    rows = [row for row in handmade.table().rows if row.rank is not None]
    return [
        replace(row, to_best=row.to_best and row.to_best._replace(p_holm=p.get(row.label, 0.001)))
        for row in rows
    ]


@pytest.mark.parametrize(
    ("p", "text"),
    [({}, ", and differs significantly from all 3 other ranked methods."),
     ({"ae": 0.051}, "; ae does not differ significantly from it."),
     ({"ae": 0.2, "vae": 0.9}, "; ae and vae do not differ significantly from it."),
     ({"ae": None}, "; differences are not tested.")],
)  # fmt: skip
def test_rows_that_do_not_differ_from_the_best_are_named(p, text):
    assert verdict(handmade.table(compared(**p))) == FIRST + text


def test_the_rows_above_the_strongest_reference_are_counted():
    rows = [replace(row, to_reference=row.to_baseline) for row in compared()]
    ending = "; 4 of 4 are significantly better than the strongest reference, atlas-z."
    assert verdict(handmade.table(rows)).endswith(
        ending.replace("4 of 4", "patch2loc:conv, thresh, ae and vae of 4")
    )
    worse = [replace(row, to_reference=row.to_baseline._replace(difference=-0.1)) for row in compared()]
    assert verdict(handmade.table(worse)).endswith(
        "none of 4 is significantly better than the strongest reference, atlas-z."
    )


def test_a_table_of_few_patients_or_without_ranks_has_no_verdict():
    few = replace(handmade.table(), values_only=True, lesion=2)
    assert verdict(few).startswith("No verdict: 2 cases")
    assert verdict(handmade.table([handmade.control("random", 0.1)])) == "No verdict: no row is complete."
    assert verdict(handmade.table(compared()[:1])) == f"{FIRST}; no other row is ranked."
    tied = [replace(row, rank=1) if row.label == "thresh" else row for row in compared()]
    assert verdict(handmade.table(tied)).startswith("patch2loc:conv and thresh share the first rank")
