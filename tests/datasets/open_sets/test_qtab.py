import pytest

from uad_bench.errors import DataError
from uad_datasets.open_sets.qtab import QtabAdapter

TABLE = (
    "participant_id\tsex\tage\tage_ses02\tfamily_id\tgroup\n"
    "sub-0001\tF\t11\t13\t12\tn/a\nsub-0002\tF\t11\tn/a\t12\tn/a\nsub-0003\tM\t9\tn/a\t7\tn/a\n"
)


def session(subject, number, suffixes=("UNIT1", "T2w", "FLAIR")):
    return [
        f"sub-{subject}/ses-{number}/anat/sub-{subject}_ses-{number}_{suffix}.nii.gz" for suffix in suffixes
    ]


@pytest.fixture
def qtab(tree):
    def plant(*more, table=TABLE):
        root = tree(
            *session("0001", "01"), *session("0001", "02"), *session("0002", "01"),
            *session("0003", "01", ("UNIT1",)), *more,
        )  # fmt: skip
        (root / "participants.tsv").write_text(table)
        return root

    return plant


def test_sessions_are_cases_and_a_family_is_a_subject(qtab):
    cases = list(QtabAdapter().discover(qtab()))
    assert [(case.case_id, case.subject_id) for case in cases] == [
        ("sub-0001_ses-01", "family-12"), ("sub-0001_ses-02", "family-12"),
        ("sub-0002_ses-01", "family-12"), ("sub-0003_ses-01", "family-7"),
    ]  # fmt: skip
    assert list(cases[0].images) == ["t1", "t2", "flair"] and list(cases[3].images) == ["t1"]
    assert cases[0].images["t1"].name == "sub-0001_ses-01_UNIT1.nii.gz"
    assert all(case.healthy and case.stripped is False for case in cases)


def test_each_session_has_its_own_age(qtab):
    cases = list(QtabAdapter().discover(qtab()))
    assert [case.age for case in cases] == [11, 13, 11, 9]
    assert [case.sex for case in cases] == ["f", "f", "f", "m"]


def test_slabs_of_the_hippocampus_and_other_images_are_no_t2(qtab):
    more = session("0001", "01", ("T2w_TSE_run-01", "inv-2_MP2RAGE", "inv-2_MP2RAGE_defacemask"))
    first = next(iter(QtabAdapter().discover(qtab(*more))))
    assert first.images["t2"].name == "sub-0001_ses-01_T2w.nii.gz"


def test_the_denoised_image_where_it_is_named(qtab):
    root = qtab(*session("0001", "01", ("UNIT1_denoised",)))
    cases = list(QtabAdapter(t1="UNIT1_denoised").discover(root))
    assert cases[0].images["t1"].name == "sub-0001_ses-01_UNIT1_denoised.nii.gz"
    assert "t1" not in cases[1].images


def test_a_child_without_family_is_an_error_because_its_twin_may_have_another_role(qtab, sort_out):
    cases, faults = sort_out(QtabAdapter(), qtab(table=TABLE.replace("\t7\t", "\tn/a\t")))
    assert (len(cases), [(fault.where, fault.code) for fault in faults]) == (
        3, [("sub-0003_ses-01", "UB334")],
    )  # fmt: skip


def test_without_its_table_no_family_is_known(qtab):
    root = qtab()
    (root / "participants.tsv").unlink()
    with pytest.raises(DataError, match=r"no participants\.tsv"):
        list(QtabAdapter().discover(root))


def test_a_subject_on_two_rows_is_an_error(qtab):
    with pytest.raises(DataError, match="two rows for sub-0001"):
        list(QtabAdapter().discover(qtab(table=TABLE + "sub-0001\tF\t11\t13\t13\tn/a\n")))
