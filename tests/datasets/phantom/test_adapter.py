"""PhantomAdapter: options to folder, folder to cases."""

import nibabel as nib
import numpy as np
import pytest

from uad_bench.errors import DataError, UsageError
from uad_datasets.phantom import PhantomAdapter
from uad_datasets.phantom.cohort import read_table


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


@pytest.mark.parametrize(
    ("options", "name"),
    [({}, "v5-seed0-h1-l0"), ({"version": 4}, "v4-seed0-h1-l0"), ({"version": 5}, "v5-seed0-h1-l0"),
     ({"version": 5, "spacing": 1}, "v5-1mm-seed0-h1-l0")],
)  # fmt: skip
def test_each_version_and_spacing_has_a_folder_of_its_own(options, name, tmp_path, monkeypatch):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path))
    root = PhantomAdapter(healthy=1, lesions=0, **options).default_root()
    assert root.name == name
    (case,) = PhantomAdapter(**options).discover(root)
    spacing = options.get("spacing", 2)
    for path in (*case.images.values(), case.brain_mask):
        np.testing.assert_allclose(nib.load(path).header.get_zooms(), spacing)
    assert f"{spacing} mm" in (root / "README.txt").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"version": 3}, "no version 3"), ({"version": 5, "spacing": 3}, "voxels of 3 mm"),
     ({"version": 4, "spacing": 1}, "voxels of 2 mm only"), ({"spacing": 0}, "choose 1 or 2")],
)  # fmt: skip
def test_what_does_not_exist_is_refused_before_anything_is_written(options, message, tmp_path, monkeypatch):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match=message):
        PhantomAdapter(**options).default_root()
    assert not list(tmp_path.iterdir())


def test_the_table_counts_lesions_below_one_voxel(tmp_path, monkeypatch):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path))
    root = PhantomAdapter(version=5, healthy=1, lesions=1).default_root()
    rows = {row["kind"]: row for row in read_table(root)}
    assert rows[""]["lesions"] == "0"
    assert int(rows["ms"]["lesions"]) > int(rows["ms"]["lesions_below_voxel"]) > 0
    voxels = np.asarray(nib.load(root / rows["ms"]["lesion_mask"]).dataobj).sum()
    assert voxels * 0.008 == pytest.approx(float(rows["ms"]["lesion_ml"]), rel=0.15)
    assert {case.lesion_kind for case in PhantomAdapter(version=5).discover(root)} == set(rows)
