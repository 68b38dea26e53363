"""The cohort on disk: the same bytes from the same seed, complete or not there at all."""

import hashlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from uad_bench.errors import EnvironmentFault
from uad_datasets.phantom import cohort
from uad_datasets.phantom.generate import Recipe
from uad_datasets.phantom.grid import SHAPE
from uad_datasets.phantom.subject import make_phantom


def digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_two_workers_write_the_same_bytes_as_one(tiny_cohort, tmp_path):
    again = cohort.ensure_cohort(tmp_path / "again", Recipe(4), healthy=2, lesions=1, workers=2)
    assert digests(again) == digests(tiny_cohort)
    assert len(digests(again)) == 6 * 4 + 4 + 2  # images and brain masks, lesion masks, table and note


def test_two_workers_write_the_same_bytes_as_one_in_version_5(tmp_path):
    one, two = (
        digests(cohort.ensure_cohort(tmp_path / f"{n}", Recipe(5), healthy=1, lesions=1, workers=n))
        for n in (1, 2)
    )
    assert one == two and len(one) == 5 * 4 + 4 + 2


def test_another_seed_is_another_subject():
    first, second = (make_phantom(seed, "phantom-h000", "") for seed in (0, 1))
    assert (first.brain_mask != second.brain_mask).any()


def test_a_larger_cohort_keeps_the_subjects_of_a_smaller_one(tiny_cohort, tmp_path):
    one = cohort.ensure_cohort(tmp_path / "one", Recipe(4), healthy=1, lesions=0, workers=1)
    name = "phantom-h000/t2.nii.gz"
    assert (one / name).read_bytes() == (tiny_cohort / name).read_bytes()


def test_a_killed_generation_is_redone(tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    root = tmp_path / "cohort"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Recipe, "make", killed)
        cohort.ensure_cohort(root, Recipe(4), healthy=1, lesions=0, workers=1)
    assert not root.exists()
    cohort.ensure_cohort(root, Recipe(4), healthy=1, lesions=0, workers=1)
    assert [row["case_id"] for row in cohort.read_table(root)] == ["phantom-h000"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cohort", "cohort.lock"]


def test_a_finished_cohort_is_left_alone(tiny_cohort, monkeypatch):
    monkeypatch.delattr(Recipe, "make")
    assert cohort.ensure_cohort(tiny_cohort, Recipe(4), healthy=2, lesions=1) == tiny_cohort


def test_an_unwritable_folder_is_an_error_of_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match="UAD_BENCH_CACHE"):
        cohort.ensure_cohort(tmp_path / "file" / "cohort", Recipe(4), healthy=1, lesions=0)


def test_volumes_are_ras_2mm_with_both_orientations(tiny_cohort):
    image = nib.load(tiny_cohort / "phantom-ms-000" / "t2.nii.gz")
    assert image.shape == SHAPE
    assert nib.aff2axcodes(image.affine) == ("R", "A", "S")
    np.testing.assert_allclose(image.header.get_zooms(), 2)
    np.testing.assert_array_equal(image.get_qform(), image.get_sform())
    assert image.header["qform_code"] == image.header["sform_code"] == 4
    assert (np.asarray(image.dataobj) >= 0).all()


def test_the_note_names_the_template_and_its_origin(tiny_cohort):
    note = (tiny_cohort / "README.txt").read_text(encoding="utf-8")
    assert all(word in note for word in ("Fonov", "nilearn", "ICBM152"))
