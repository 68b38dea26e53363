"""Groups of cases, what is kept of a case, and pooled curves in one pass or in two."""

from dataclasses import replace

import pytest

from tests.helpers.scored_cases import make_scored, rows_by_name
from uad_bench.errors import DataError
from uad_bench.evaluate.case_groups import MIN_CASES, CaseResult, PooledCurves, gather, groups
from uad_bench.evaluate.curves.bootstrap import BootstrapCase
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.engine import evaluate
from uad_bench.evaluate.metrics.voxel import AveragePrecision


def result_of(scored):
    """What evaluation keeps of a case without any metric."""
    curve = Curve.of_case(scored)
    bootstrap = None if scored.healthy else BootstrapCase.of(curve)
    same = (scored.case_id, scored.lesion_kind, scored.healthy, scored.strata)
    return CaseResult(*same, curve, curve.n_brain > 0, {}, {}, bootstrap)


def results_of(ids, **more):
    return [replace(result_of(make_scored(case_id)), **more) for case_id in ids]


def test_all_comes_first_then_kinds_then_strata_then_healthy_scans():
    results = [
        *results_of("abcde", strata={"site": "HH"}),
        *results_of("f", lesion_kind="ms"),
        result_of(make_scored("h", healthy=True)),
    ]
    found = {group.name: "".join(member.case_id for member in group.members) for group in groups(results)}
    assert found == {"all": "abcdef", "ms": "f", "site=HH": "abcde", "healthy": "h"}
    assert list(found) == ["all", "ms", "site=HH", "healthy"]
    assert [group.stratum for group in groups(results)] == [False, False, True, False]
    assert [group.healthy for group in groups(results)] == [False, False, False, True]


def test_a_stratum_needs_five_lesion_cases():
    assert MIN_CASES == 5
    healthy = replace(result_of(make_scored("h", healthy=True)), strata={"site": "A"})
    assert "site=A" not in {g.name for g in groups([*results_of("abcd", strata={"site": "A"}), healthy])}
    assert "site=A" in {g.name for g in groups(results_of("abcde", strata={"site": "A"}))}


@pytest.mark.parametrize("kind", ["all", "healthy", "site=A"])
def test_a_lesion_kind_may_not_have_the_name_of_a_group(kind):
    cases = [*results_of("abcde", strata={"site": "A"}), *results_of("f", lesion_kind=kind)]
    with pytest.raises(DataError, match=f"lesion kind '{kind}' has the name of a group"):
        groups(cases)


def test_a_stratum_has_the_numbers_of_its_cases_and_no_draws(scored):
    sites = {"a": "HH", "b": "HH", "c": "HH", "d": "HH", "e": "HH", "f": "IOP", "g": "IOP"}
    cases = [replace(scored(k), strata={"site": v, "sex": "f"}) for k, v in sites.items()]
    result = evaluate([*cases, scored("h", healthy=True)], [AveragePrecision()], {})
    rows = rows_by_name(result.set_rows)
    assert list(dict.fromkeys(group for group, _ in rows)) == ["all", "sex=f", "site=HH"]
    alone = rows_by_name(evaluate(cases[:5], [AveragePrecision()], {}).set_rows)
    assert rows["site=HH", "ap.pooled"].value == alone["all", "ap.pooled"].value
    assert {group for group, _ in result.draws} == {"all"}


def test_results_are_sorted_and_keep_their_negatives_where_memory_allows():
    cases = [make_scored(name) for name in "cab"]
    results, again = gather(cases, result_of, memory=1 << 20)
    assert [result.case_id for result in results] == ["a", "b", "c"]
    assert again is None
    assert all(result.curve.n_negative for result in results)


def test_all_negatives_are_discarded_once_they_need_too_much_memory():
    cases = [make_scored(name) for name in "cab"]
    one = Curve.of_case(cases[0]).negatives[0].nbytes
    results, again = gather(cases, result_of, memory=int(1.5 * one))
    assert again is cases
    assert not any(result.curve.negatives or result.bootstrap.negatives for result in results)
    assert [result.curve.n_found for result in results] == [
        Curve.of_case(cases[k]).n_found for k in (1, 2, 0)
    ]


def test_an_iterator_keeps_its_negatives():
    results, again = gather(iter([make_scored("a")]), result_of, memory=0)
    assert again is None
    assert results[0].curve.n_negative


@pytest.mark.parametrize("memory", [0, 1 << 20])
def test_pooled_curves_are_those_of_their_cases_and_are_forgotten_after_the_last_use(memory):
    cases = [make_scored(name) for name in "ab"]
    results, again = gather(cases, result_of, memory)
    uses = [("all", results), ("ms", results), ("one", results[:1])]
    pooled = PooledCurves(uses, again, [0.5], resampled=["all"])
    expected = Curve.pool([Curve.of_case(case) for case in cases])
    assert pooled["all"].ap() == pooled["ms"].ap() == expected.ap()
    assert pooled["one"].counts_at(0.5) == Curve.of_case(cases[0]).counts_at(0.5)
    assert pooled["all"] is pooled["ms"]
    before = pooled["all"]
    pooled.forget(["all"])
    assert pooled["ms"] is before
    pooled.forget(["ms"])
    if memory:
        assert pooled["ms"] is not before
    else:  # its counts are dropped as well
        with pytest.raises(KeyError):
            pooled["ms"]


def test_a_pool_that_two_reports_need_is_kept_for_the_second_and_forgotten_after_it():
    results, again = gather([make_scored("a")], result_of, 1 << 20)
    pooled = PooledCurves([("all", results), ("all", results)], again, [])
    before = pooled["all"]
    pooled.forget(["all"])
    assert pooled["all"] is before
    pooled.forget(["all"])
    assert pooled["all"] is not before


@pytest.mark.parametrize("memory", [0, 1 << 20])
def test_bootstrap_cases_count_negatives_at_the_edges_of_the_pool(memory):
    cases = [make_scored(name) for name in "ab"]
    results, again = gather(cases, result_of, memory)
    pooled = PooledCurves([("all", results)], again, [], resampled=["all"])
    edges = Curve.pool([Curve.of_case(case) for case in cases]).positives
    for case, found in zip(cases, pooled.bootstrap_cases("all", results), strict=True):
        negatives = case.map[case.brain_mask & ~case.lesion_mask]
        assert found.negatives_at(edges).tolist() == [int((negatives >= edge).sum()) for edge in edges]
