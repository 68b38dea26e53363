import pytest

from uad_bench.errors import DataError
from uad_datasets.open_sets.fcd_bonn import FcdBonnAdapter

#: With a byte order mark, as published.
TABLE = (
    "\ufeffparticipant_id\tsex\tgroup\tage_scan\tsplit\n"
    "sub-00001\tM\tfcd\t4\ttrain\nsub-00002\tF\thc\t5\ttrain\nsub-00048\tF\tfcd\t3\ttest\nsub-00060\tM\tfcd\tn/a\ttest\n"
)
FILES = [
    *("sub-00001_acq-iso08_T1w", "sub-00001_acq-T2sel_FLAIR", "sub-00001_acq-T2sel_FLAIR_roi"),
    *("sub-00002_acq-iso08_T1w", "sub-00002_acq-T2sel_FLAIR"),
    *("sub-00048_acq-sag111_T1w", "sub-00048_acq-T2sel_FLAIR", "sub-00048_acq-32ch10_FLAIR_roi"),
    *("sub-00060_acq-sag111VNS_T1w", "sub-00060_acq-traacpcVNS_FLAIR", "sub-00060_acq-traacpcVNS_FLAIR_roi"),
]


@pytest.fixture
def bonn(tree):
    """bonn(*more) -> a tree of four subjects with their table, and with more files."""

    def plant(*more, table=TABLE):
        root = tree(*(f"{name[:9]}/anat/{name}.nii.gz" for name in FILES), *more)
        (root / "participants.tsv").write_text(table, encoding="utf-8")
        return root

    return plant


def test_patients_and_controls_by_the_table(bonn):
    cases = list(FcdBonnAdapter().discover(bonn()))
    assert [case.healthy for case in cases] == [False, True, False, False]
    assert [case.lesion_kind for case in cases] == ["fcd", "", "fcd", "fcd"]
    assert all(list(case.images) == ["t1", "flair"] and case.stripped is False for case in cases)
    assert [case.scanner for case in cases] == ["T2sel", "T2sel", "T2sel", "traacpcVNS"]
    assert [case.sex for case in cases] == ["m", "f", "f", "m"]


def test_ages_are_codes_of_five_years(bonn):
    assert [case.age for case in FcdBonnAdapter().discover(bonn())] == [18, 23, 13, None]


def test_an_age_that_is_no_code_is_unknown_with_a_warning(bonn, caplog):
    first = next(iter(FcdBonnAdapter().discover(bonn(table=TABLE.replace("\t4\t", "\t34\t")))))
    assert first.age is None
    assert "age_scan of sub-00001 is not used: '34' is not one of the codes 1 to 13" in caplog.text


def test_the_mask_of_sub_00048_has_the_name_of_an_image_that_is_not_there(bonn):
    third = list(FcdBonnAdapter().discover(bonn()))[2]
    assert third.images["flair"].name == "sub-00048_acq-T2sel_FLAIR.nii.gz"
    assert third.lesion_mask.name == "sub-00048_acq-32ch10_FLAIR_roi.nii.gz"
    assert not third.allow_other_mask_grid


def test_scanners_cannot_be_matched_without_flair(tree):
    root = tree("sub-00001/anat/sub-00001_acq-iso08_T1w.nii.gz")
    (root / "participants.tsv").write_text(TABLE)
    with pytest.raises(DataError, match="matched by the FLAIR, and there is none"):
        list(FcdBonnAdapter(scanners="matched").discover(root))


def test_the_scanner_matched_subset_leaves_out_other_protocols_with_a_line(bonn, caplog):
    cases = list(FcdBonnAdapter(scanners="matched").discover(bonn()))
    assert [case.case_id for case in cases] == ["sub-00001", "sub-00002", "sub-00048"]
    assert "FLAIR is not acq-T2sel: 1 subjects, sub-00060 to sub-00060" in caplog.text


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        (("\thc\t", "\t\t"), "sub-00002", "neither fcd nor hc"),
        (("sub-00002", "sub-00003"), "sub-00002", "neither fcd nor hc"),
        (("M\tfcd\t4", "M\thc\t4"), "sub-00001", "a control with a lesion mask"),
        (("F\thc", "F\tfcd"), "sub-00002", "no lesion mask"),
    ],
)
def test_what_the_table_and_the_masks_disagree_on_is_an_error(bonn, sort_out, change, where, words):
    cases, (fault,) = sort_out(FcdBonnAdapter(), bonn(table=TABLE.replace(*change)))
    assert (len(cases), fault.where, fault.code) == (3, where, "UB333")
    assert words in str(fault)


def test_two_images_of_a_modality_are_no_guess(bonn, sort_out):
    cases, (fault,) = sort_out(FcdBonnAdapter(), bonn("sub-00001/anat/sub-00001_acq-sag111_T1w.nii.gz"))
    assert (len(cases), fault.where, fault.code) == (3, "sub-00001", "UB329")


def test_without_its_table_nobody_is_healthy(bonn):
    root = bonn()
    (root / "participants.tsv").unlink()
    with pytest.raises(DataError, match=r"no participants\.tsv") as caught:
        list(FcdBonnAdapter().discover(root))
    assert caught.value.code == "UB334"


def test_nothing_found_names_the_expected_layout(tmp_path):
    with pytest.raises(DataError, match=r"expected participants\.tsv, sub-00001"):
        list(FcdBonnAdapter().discover(tmp_path))
