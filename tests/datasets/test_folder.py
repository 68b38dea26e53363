"""Options of the dataset `folder`."""

import pytest

from uad_bench.cohort.discovery import adapter_for
from uad_bench.errors import UsageError
from uad_datasets.folder import FolderAdapter


@pytest.fixture
def root(tree):
    """A table with one healthy case and one case with lesions."""
    root = tree("a/t2.nii.gz", "a/lesion.nii.gz", "b/t2.nii.gz")
    rows = "case_id,t2,lesion_mask\na,a/t2.nii.gz,a/lesion.nii.gz\nb,b/t2.nii.gz,\n"
    (root / "cases.csv").write_text(rows)
    return root


def test_healthy_applies_to_cases_without_a_lesion_mask(root, sort_out):
    (lesions, healthy), faults = sort_out(FolderAdapter(healthy=("*",)), root)
    assert (lesions.healthy, healthy.healthy, faults) == (False, True, [])
    for nobody in (None, True):
        _, (fault,) = sort_out(FolderAdapter(healthy=nobody), root)
        assert "not declared" in str(fault)


def test_options_of_a_case_apply_to_all_cases(root):
    adapter = FolderAdapter(healthy=("*",), mask_threshold=0.5, allow_other_mask_grid=True, stripped=True)
    facts = {(c.mask_threshold, c.allow_other_mask_grid, c.stripped) for c in adapter.discover(root)}
    assert facts == {(0.5, True, True)}


def test_former_option_names_still_work(root):
    with pytest.warns(DeprecationWarning):
        adapter = adapter_for("folder", {"mask_cut": 0.5, "masks_apart": True, "healthy": ["*"]})
    assert {(c.mask_threshold, c.allow_other_mask_grid) for c in adapter.discover(root)} == {(0.5, True)}


def test_an_unknown_key_of_columns_is_a_usage_error(root):
    with pytest.raises(UsageError, match="did you mean lesion_mask"):
        list(FolderAdapter(columns={"lesion_masks": "x"}).discover(root))
