import pytest

from uad_bench.errors import DataError
from uad_datasets.open_sets.lemon import LemonAdapter

TABLE = "participant_id\tgender\tage (5-year bins)\nsub-010005\tM\t20-25\nsub-010019\tF\t60-65\nsub-010169\tF\t25-30\n"
SUFFIXES = ("acq-mp2rage_T1w", "T2w", "acq-highres_FLAIR")


def session(subject, number="01", suffixes=SUFFIXES):
    return [
        f"sub-{subject}/ses-{number}/anat/sub-{subject}_ses-{number}_{suffix}.nii.gz" for suffix in suffixes
    ]


@pytest.fixture
def lemon(tree):
    def plant(*more, table=TABLE):
        root = tree(*session("010005"), *more)
        (root / "participants.tsv").write_text(table)
        return root

    return plant


def test_a_session_is_a_healthy_case(lemon):
    (case,) = LemonAdapter().discover(lemon())
    assert (case.case_id, case.subject_id, case.healthy) == ("sub-010005_ses-01", "sub-010005", True)
    assert list(case.images) == ["t1", "t2", "flair"]
    assert (case.age, case.sex, case.stripped) == (22.5, "m", False)


def test_other_t1_images_and_maps_are_not_read(lemon):
    others = ("acq-mprage_T1w", "acq-mp2rage_T1map", "inv-1_mp2rage", "inv-2_mp2rage")
    (case,) = LemonAdapter().discover(lemon(*session("010005", suffixes=others)))
    assert case.images["t1"].name == "sub-010005_ses-01_acq-mp2rage_T1w.nii.gz"


def test_two_flair_images_are_an_error_until_one_is_named(lemon, sort_out):
    root = lemon(*session("010005", suffixes=("acq-lowres_FLAIR",)))
    cases, (fault,) = sort_out(LemonAdapter(), root)
    assert (cases, fault.code) == ([], "UB329") and "lemon.flair" in str(fault)
    (case,) = LemonAdapter(flair="highres").discover(root)
    assert case.images["flair"].name == "sub-010005_ses-01_acq-highres_FLAIR.nii.gz"


def test_the_two_subjects_with_one_file_are_left_out_or_share_a_role(lemon, caplog):
    root = lemon(*session("010019"), *session("010169"))
    assert [case.case_id for case in LemonAdapter().discover(root)] == ["sub-010005_ses-01"]
    assert (
        "T1 files are one and the same (lemon.keep_doubles reads them): sub-010019_ses-01, sub-010169_ses-01"
        in caplog.text
    )
    cases = list(LemonAdapter(keep_doubles=True).discover(root))
    assert [case.subject_id for case in cases] == ["sub-010005", "sub-010019", "sub-010019"]


def test_an_age_that_is_no_bin_is_unknown_with_a_warning(lemon, caplog):
    (case,) = LemonAdapter().discover(lemon(table=TABLE.replace("20-25", "young")))
    assert case.age is None and "'young' is not a bin of ages" in caplog.text


def test_without_its_table_there_is_no_case(lemon):
    root = lemon()
    (root / "participants.tsv").unlink()
    with pytest.raises(DataError, match=r"no participants\.tsv"):
        list(LemonAdapter().discover(root))
