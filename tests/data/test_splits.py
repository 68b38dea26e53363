import hashlib

import pytest

from uad_bench.data.splits import assign, fold_of, ids_hash, position
from uad_bench.errors import DataError, UsageError
from uad_bench.types import Case

HEALTHY = {"train": 0.7, "val": 0.1, "test": 0.2}


def cases(n: int, healthy: bool = True, sessions: int = 1) -> list[Case]:
    return [Case("toy", f"s{i:04d}-{k}", f"s{i:04d}", {}, healthy) for i in range(n) for k in range(sessions)]


def test_shares_are_met_on_average():
    roles = list(assign(cases(4000), HEALTHY, "salt").values())
    assert [roles.count(role) / 4000 for role in HEALTHY] == pytest.approx([0.7, 0.1, 0.2], abs=0.025)


def test_a_missing_subject_moves_no_other():
    everyone = cases(200)
    roles = assign(everyone, HEALTHY, "salt")
    fewer = assign(everyone[1::2][::-1], HEALTHY, "salt")
    assert fewer == {case_id: roles[case_id] for case_id in fewer}


def test_sessions_of_a_subject_share_a_role():
    roles = assign(cases(100, sessions=3), HEALTHY, "salt")
    assert all(len({roles[f"s{i:04d}-{k}"] for k in range(3)}) == 1 for i in range(100))


def test_the_salt_changes_the_split_and_the_order_of_keys_does_not():
    roles = assign(cases(200), HEALTHY, "salt")
    assert assign(cases(200), dict(reversed(HEALTHY.items())), "salt") == roles
    assert assign(cases(200), HEALTHY, "pepper") != roles


def test_a_larger_train_share_removes_no_subject_from_train():
    less = assign(cases(300), {"train": 0.5, "test": 0.5}, "salt")
    more = assign(cases(300), {"train": 0.8, "test": 0.2}, "salt")
    assert all(more[name] == "train" for name, role in less.items() if role == "train")


def test_position_is_the_named_digest():
    digest = hashlib.sha256(b"salt\0IXI002").hexdigest()
    assert position("IXI002", "salt") == pytest.approx(int(digest, 16) / 2**256)


def test_lesion_cases_have_roles_of_their_own():
    roles = assign(cases(50, healthy=False), {"tune": 0.3, "test": 0.7}, "salt")
    assert set(roles.values()) == {"tune", "test"}
    assert set(assign(cases(50, healthy=False), {"test": 1.0}, "salt").values()) == {"test"}
    assert assign([], HEALTHY, "salt") == assign([], {"tune": 0.0, "test": 1.0}, "salt") == {}


@pytest.mark.parametrize(
    ("healthy", "fractions"),
    [
        (True, {"tune": 1.0}),
        (False, {"train": 0.5, "test": 0.5}),
        (True, {"train": 0.5}),
        (True, {"train": 2, "val": -1}),
    ],
)
def test_roles_and_shares_that_cannot_be(healthy, fractions):
    with pytest.raises(UsageError) as caught:
        assign(cases(3, healthy), fractions, "salt")
    assert caught.value.exit_code == 2


def test_healthy_and_lesion_cases_together_and_duplicate_ids():
    with pytest.raises(UsageError, match="together"):
        assign([*cases(1), Case("toy", "x", "x", {}, healthy=False)], {"test": 1.0}, "salt")
    with pytest.raises(DataError, match="s0001-0"):
        assign([*cases(3), cases(2)[1]], HEALTHY, "salt")


def test_ids_hash_forgets_the_order_and_nothing_else():
    assert ids_hash(["b", "a"]) == ids_hash(["a", "b"]) == hashlib.sha256(b"a\nb").hexdigest()
    assert ids_hash(["ab"]) != ids_hash(["a", "b"])


def test_folds_cut_all_but_the_test_and_each_subject_is_val_once():
    everyone = cases(600, sessions=2)
    plain = assign(everyone, HEALTHY, "salt")
    folds = [assign(everyone, HEALTHY, "salt", 5, fold) for fold in range(5)]
    test = {case_id for case_id, role in plain.items() if role == "test"}
    assert all({c for c, role in fold.items() if role == "test"} == test for fold in folds)
    assert all([fold[c] for fold in folds].count("val") == 1 for c in plain if c not in test)
    assert all(0.14 < list(fold.values()).count("val") / (1200 - len(test)) < 0.26 for fold in folds)


def test_a_fold_is_a_pure_function_of_the_subject_and_moves_with_no_share():
    assert [fold_of(f"s{i}", "salt", 5) for i in range(8)] == [fold_of(f"s{i}", "salt", 5) for i in range(8)]
    assert fold_of("IXI002", "salt", 5) == int(position("IXI002", "salt\0fold") * 5)
    fewer, more = cases(200)[::3], cases(200)
    one, other = (assign(some, HEALTHY, "salt", 4, 2) for some in (fewer, more))
    assert one == {case_id: other[case_id] for case_id in one}
    wider = assign(more, {"train": 0.5, "val": 0.4, "test": 0.1}, "salt", 4, 2)
    stay = [c for c in other if "test" not in (other[c], wider[c])]
    assert stay and all(other[c] == wider[c] for c in stay)


def test_without_a_fold_the_roles_follow_the_shares():
    assert assign(cases(64), HEALTHY, "phantom-806", folds=5) == assign(cases(64), HEALTHY, "phantom-806")
    known = {"IXI002": "train", "IXI012": "val", "IXI013": "train", "IXI014": "val", "IXI016": "test"}
    roles = assign([Case("toy", name, name, {}, healthy=True) for name in known], HEALTHY, "uad-bench")
    assert roles == known


@pytest.mark.parametrize(("folds", "fold"), [(0, 0), (1, 0), (5, 5), (5, -1)])
def test_a_fold_that_cannot_be(folds, fold):
    with pytest.raises(UsageError, match="fold"):
        assign(cases(3), HEALTHY, "salt", folds, fold)
