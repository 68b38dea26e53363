import pytest

from uad_bench.data.published_splits import read_table
from uad_bench.data.splits import assign, position
from uad_bench.data.stratification import balance, first_salt, fold_gap, role_gap, share_for, widest_gap
from uad_bench.errors import UsageError
from uad_bench.types import Case

HEALTHY = {"train": 0.7, "val": 0.1, "test": 0.2}
#: What the shipped protocols hold (docs/splits.md).
SALT, TUNE = "uad-bench-8710", {"brats21": (0.07868, 100), "mslub": (0.3433, 10)}


def case(
    number: int, site: str = "", age: float | None = None, sex: str | None = None, session: str = "a"
) -> Case:
    subject = f"s{number:03d}"
    return Case("toy", f"{subject}-{session}", subject, {}, True, site=site, age=age, sex=sex)


def test_balance_counts_subjects_in_every_stratum_that_is_known():
    cases = [
        case(1, "A", 25, "f"),
        case(1, "A", 25, "f", "b"),
        case(2, "A", 39.9, "m"),
        case(3, "B", 40),
        case(4),
    ]
    roles = {
        c.case_id: "test" if c.subject_id == "s002" else "train" for c in cases if c.subject_id != "s004"
    }
    found = {(s.kind, s.value): (s.subjects, s.shares["train"]) for s in balance(cases, roles)}
    assert found == {
        ("all", "all"): (3, 2 / 3), ("site", "A"): (2, 0.5), ("site", "B"): (1, 1.0),
        ("age", "20-39"): (2, 0.5), ("age", "40-59"): (1, 1.0), ("sex", "f"): (1, 1.0), ("sex", "m"): (1, 0.0),
    }  # fmt: skip
    assert next(iter(balance(cases, roles))).kind == "all"


def test_the_widest_gap_is_that_of_the_worst_stratum():
    strata = balance(
        [case(1, "A"), case(2, "A"), case(3, "B")], {"s001-a": "train", "s002-a": "val", "s003-a": "train"}
    )
    assert widest_gap(strata, {"train": 0.5, "val": 0.5}) == 0.5


def test_the_first_salt_is_even_and_none_before_it_is():
    cases = [case(i, "AB"[i % 2]) for i in range(60)]
    wanted = {"within": 0.1, "folds": 3, "folds_within": 0.15}
    salt = first_salt([cases, cases[:40]], HEALTHY, **wanted)
    number = int(salt.removeprefix("uad-bench-"))
    assert number > 1

    def is_even(salt: str) -> bool:
        return all(
            role_gap(some, HEALTHY, salt) <= 0.1 and fold_gap(some, HEALTHY, salt, 3) <= 0.15
            for some in (cases, cases[:40])
        )

    assert [is_even(f"uad-bench-{i}") for i in range(1, number + 1)] == [False] * (number - 1) + [True]


def test_a_share_gives_the_role_to_exactly_the_given_number():
    ids = [f"p{i}" for i in range(30)]
    share = share_for(ids, "salt", 10)
    places = sorted(position(name, "salt") for name in ids)
    assert share == (places[9] + places[10]) / 2
    cases = [Case("toy", name, name, {}, healthy=False) for name in ids]
    assert list(assign(cases, {"tune": share, "test": 1 - share}, "salt").values()).count("tune") == 10
    for count in (0, 30):
        with pytest.raises(UsageError):
            share_for(ids, "salt", count)


def test_the_shipped_salt_is_even_on_every_site_of_the_known_subjects(shared_data):
    folder = shared_data / "legacy_splits"
    with_t2 = set((folder / "ixi_t2_available.csv").read_text().split()) - {"case_id"}
    ids = sorted(with_t2 | set(read_table(folder / "legacy_splits.csv").subjects("ixi")))
    assert (len(ids), len(with_t2)) == (566, 562)
    cases = [Case("toy", name, name.split("-")[0], {}, healthy=True, site=name.split("-")[1]) for name in ids]
    for cohort in (cases, [c for c in cases if c.case_id in with_t2]):
        assert role_gap(cohort, HEALTHY, SALT) <= 0.015
        assert fold_gap(cohort, HEALTHY, SALT, 5) <= 0.045


@pytest.mark.parametrize("dataset", TUNE)
def test_the_shipped_shares_tune_on_as_many_as_the_papers(shared_data, dataset):
    ids = read_table(shared_data / "legacy_splits" / "legacy_splits.csv").subjects(dataset)
    share, count = TUNE[dataset]
    subjects = [f"BraTS-{name[-5:]}" if dataset == "brats21" else name for name in ids]
    assert sum(position(subject, SALT) < share for subject in subjects) == count
    assert share_for(subjects, SALT, count) == pytest.approx(share, abs=5e-5)
