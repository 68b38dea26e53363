"""PhantomAdapter: options to folder, folder to cases."""

import nibabel as nib
import numpy as np
import pytest

from uad_bench.errors import DataError
from uad_datasets.phantom import PhantomAdapter


def test_discover_reads_the_cohort_back(tiny_cohort):
    cases = list(PhantomAdapter().discover(tiny_cohort))
    ids = [case.case_id for case in cases]
    assert ids == sorted(ids) and len(ids) == 6
    assert [case.healthy for case in cases].count(True) == 2
    assert {case.lesion_kind for case in cases} == {"", "tumour", "iso", "ms", "structural"}
    for case in cases:
        assert case.healthy == (case.lesion_mask is None) == (case.lesion_kind == "")
        assert tuple(case.images) == PhantomAdapter.modalities
        assert all(path.is_file() for path in (*case.images.values(), case.brain_mask))


def test_lesion_masks_on_disk_lie_in_the_brain(tiny_cohort):
    for case in (case for case in PhantomAdapter().discover(tiny_cohort) if not case.healthy):
        lesion, brain = (np.asarray(nib.load(p).dataobj) for p in (case.lesion_mask, case.brain_mask))
        assert set(np.unique(lesion)) == {0, 1}
        assert (brain[lesion > 0] == 1).all()


def test_discover_elsewhere_names_the_folder_and_the_table(tmp_path):
    with pytest.raises(DataError, match=r"phantom\.csv") as caught:
        list(PhantomAdapter().discover(tmp_path))
    assert str(tmp_path) in str(caught.value)


def test_default_root_follows_the_options_and_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path))
    root = PhantomAdapter(seed=3, healthy=1, lesions=0).default_root()
    assert root.parent == tmp_path / "phantom"
    assert root.name.endswith("-seed3-h1-l0")
    assert [case.case_id for case in PhantomAdapter().discover(root)] == ["phantom-h000"]
