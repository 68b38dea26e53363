"""The verdict on a table, in one sentence."""

from dataclasses import replace

import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.layout.verdict import verdict
from uad_bench.leaderboard.statistic_types import Scheme

FIRST = "patch2loc:conv ranks first by AP per case: 0.420 (95 % confidence interval 0.370 to 0.470)"


def compared(**p):
    """The ranked rows of the full table with these p values of the difference to the best row."""
    rows = [row for row in handmade.table().rows if row.rank is not None]
    return [
        replace(row, to_best=row.to_best and row.to_best._replace(p_holm=p.get(row.label, 0.001)))
        for row in rows
    ]


@pytest.mark.parametrize(
    ("p", "text"),
    [({}, "; it is significantly better than all 3 other ranked methods."),
     ({"ae": 0.051}, "; ae does not differ significantly from it."),
     ({"ae": 0.2, "vae": 0.9}, "; ae and vae do not differ significantly from it."),
     ({"ae": None}, "; differences are not tested.")],
)  # fmt: skip
def test_rows_that_do_not_differ_from_the_best_are_named(p, text):
    assert verdict(handmade.table(compared(**p))) == FIRST + text


def test_one_other_row_is_named_in_the_singular():
    assert (
        verdict(handmade.table(compared()[:2]))
        == f"{FIRST}; it is significantly better than the other ranked method."
    )


def test_f7_the_first_row_is_not_said_to_have_the_highest_value():
    """A control, a row with a leak, or a row that lacks hard cases may have a higher mean."""
    higher = handmade.control("random", 0.9)
    text = verdict(handmade.table([higher, *compared()], scheme=Scheme(alpha=0.1)))
    assert text.startswith("patch2loc:conv ranks first by AP per case: 0.420 (90 % confidence interval")
    cells = {("all", "ap.case"): handmade.cell(0.42)._replace(low=None, high=None)}
    without = [replace(compared()[0], cells=cells)]
    assert verdict(handmade.table(without)).startswith("patch2loc:conv ranks first by AP per case: 0.420; ")


def test_f8_a_significant_difference_counts_by_its_sign_and_the_tested_metric_is_named():
    """The pooled value ranks, the values of the cases are tested: a row below may be the better one there."""
    signs = {"ae": 0.1, "thresh": -0.1, "vae": -0.1}
    rows = [
        replace(row, to_best=row.to_best and row.to_best._replace(metric="ap", difference=signs[row.label]))
        for row in compared(vae=0.9)
    ]
    text = verdict(handmade.table(rows, primary="ap.pooled"))
    assert text.startswith("patch2loc:conv ranks first by AP pooled: 0.470")
    assert text.endswith(
        "; vae does not differ significantly from it; ae is significantly better than it; "
        "differences are tested on AP per case."
    )
    assert "tested on" not in verdict(handmade.table(rows, primary="ap.case"))


def test_f19_the_rows_above_the_strongest_reference_are_counted_and_named():
    rows = [replace(row, to_reference=row.to_baseline) for row in compared()]
    ending = "significantly better than the strongest reference, atlas-z."
    names = "patch2loc:conv, thresh, ae and vae"
    assert verdict(handmade.table(rows)).endswith(f"; 4 of 4 methods ({names}) are {ending}")
    worse = [replace(row, to_reference=row.to_baseline._replace(difference=-0.1)) for row in compared()]
    assert verdict(handmade.table(worse)).endswith(f"; none of 4 methods is {ending}")
    assert verdict(handmade.table([rows[0], *worse[1:]])).endswith(
        f"; 1 of 4 methods (patch2loc:conv) is {ending}"
    )
    assert verdict(handmade.table(rows[:1])).endswith(f"; no other row is ranked; it is {ending}")
    assert verdict(handmade.table(worse[:1])).endswith(f"; no other row is ranked; it is not {ending}")
    many = [replace(row, label=f"{row.label}{n}") for n in range(3) for row in rows]
    assert verdict(handmade.table(many)).endswith(f"; 12 of 12 methods are {ending}")


def test_f11_a_table_of_few_patients_counts_them_as_its_limit_does():
    few = replace(handmade.table(), values_only=True, lesion=12, patients=6)
    assert verdict(few) == (
        "No verdict: 6 patients with lesions are too few to compare methods; values only."
    )
    assert verdict(replace(few, patients=1)).startswith("No verdict: 1 patient with lesions is too few")


def test_a_table_without_ranks_has_no_verdict():
    assert verdict(handmade.table([handmade.control("random", 0.1)])) == "No verdict: no row is complete."
    assert verdict(handmade.table(compared()[:1])) == f"{FIRST}; no other row is ranked."
    tied = [replace(row, rank=1) if row.label == "thresh" else row for row in compared()]
    assert verdict(handmade.table(tied)).startswith("patch2loc:conv and thresh share the first rank")
