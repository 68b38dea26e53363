import re

import pytest

from uad_bench.data.nifti.validation import ID_PATTERN
from uad_bench.errors import DataError
from uad_datasets.atlas_v2 import AtlasV2Adapter


def session(subject, ses=1, part="Training", mask="label-L_desc-T1lesion_mask", space="MNI152NLin2009aSym"):
    cohort = f"R{subject[1:4]}"
    name = f"sub-{subject}_ses-{ses}" + (f"_space-{space}" if space else "")
    folder = f"ATLAS_2/{part}/{cohort}/sub-{subject}/ses-{ses}/anat"
    return [f"{folder}/{name}_{what}.nii.gz" for what in ("T1w", mask) if what]


def test_one_case_a_session_with_its_subject_and_cohort(tree):
    root = tree(*session("r009s003", 2), *session("r001s001"), *session("r009s003"))
    cases = list(AtlasV2Adapter().discover(root))
    assert [case.case_id for case in cases] == [
        "sub-r001s001_ses-1",
        "sub-r009s003_ses-1",
        "sub-r009s003_ses-2",
    ]
    assert [case.subject_id for case in cases] == ["sub-r001s001", "sub-r009s003", "sub-r009s003"]
    assert [case.site for case in cases] == ["R001", "R009", "R009"]
    assert all(re.fullmatch(ID_PATTERN, word) for case in cases for word in (case.case_id, case.subject_id))
    assert (cases[0].healthy, cases[0].lesion_kind, cases[0].stripped) == (False, "stroke", False)
    assert cases[0].images["t1"].name.endswith("_T1w.nii.gz")
    assert cases[0].lesion_mask.name.endswith("_label-L_desc-T1lesion_mask.nii.gz")


@pytest.mark.parametrize("mask", ["label-R_desc-T1lesion_mask", "label-lesion_desc-T1lesion_mask"])
@pytest.mark.parametrize("space", ["", "orig"])
def test_any_label_and_any_space_will_do(tree, mask, space):
    (case,) = AtlasV2Adapter().discover(tree(*session("r001s001", mask=mask, space=space)))
    assert mask in case.lesion_mask.name


def test_the_testing_part_is_left_out_and_a_missing_training_mask_is_an_error(tree, sort_out, caplog):
    root = tree(
        *session("r001s001"), *session("r002s007", mask=""), *session("r040s001", part="Testing", mask="")
    )
    cases, (fault,) = sort_out(AtlasV2Adapter(), root)
    assert [case.case_id for case in cases] == ["sub-r001s001_ses-1"]
    assert (fault.where, fault.code) == ("sub-r002s007_ses-1", "UB333")
    assert "not public: 1, sub-r040s001_ses-1" in caplog.text


def test_a_session_in_two_spaces_or_with_two_masks_is_an_error(tree, sort_out):
    root = tree(*session("r001s001"), *session("r001s001", space=""), *session("r001s002"))
    tree(*session("r001s002", mask="label-R_desc-T1lesion_mask"))
    cases, faults = sort_out(AtlasV2Adapter(), root)
    assert cases == []
    assert [fault.where for fault in faults] == ["sub-r001s001_ses-1", "sub-r001s002_ses-1"]
    assert {fault.code for fault in faults} == {"UB329"}


@pytest.mark.parametrize("folder", ["", "missing"])
def test_nothing_found_names_the_expected_layout(tmp_path, folder):
    with pytest.raises(DataError, match=r"expected ATLAS_2/Training/R001") as caught:
        list(AtlasV2Adapter().discover(tmp_path / folder))
    assert "\n" not in str(caught.value)
