import hashlib

import numpy as np
import pytest

from uad_bench.errors import DataError
from uad_bench.prepare.registration.atlas import atlas_sha256, load_atlas


def ball(radius=10, value=80.0, shape=(30, 32, 34)):
    """A ball in 5 mm voxels, 520 ml, brighter towards the first axis' end."""
    x, y, z = np.indices(shape)
    brain = (x - 14) ** 2 + (y - 15) ** 2 + (z - 16) ** 2 <= radius**2
    return np.where(brain, value + x, 0).astype(np.float32)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.setenv("UAD_BENCH_ATLASES", str(tmp_path))
    return tmp_path


AFFINE = np.diag([5.0, 5, 5, 1])


def test_mni152_is_a_brain_of_1886_ml_at_1_mm():
    atlas = load_atlas("mni152")
    assert atlas.brain.grid.shape == (197, 233, 189)
    assert atlas.brain.grid.axes == "RAS"
    assert atlas.mask.array.sum() == pytest.approx(1886e3, rel=1e-3)
    origin = np.linalg.solve(atlas.mask.affine, [0, 0, 20, 1])[:3].astype(int)
    assert atlas.mask.array[tuple(origin)]
    assert not atlas.brain.array[~atlas.mask.array].any()


def test_an_atlas_is_read_once_and_cannot_be_changed():
    atlas = load_atlas("mni152")
    assert load_atlas("mni152") is atlas
    with pytest.raises(ValueError, match="read-only"):
        atlas.brain.array[0, 0, 0] = 1


def test_a_word_is_a_file_on_the_shelf_and_a_path_is_a_path(shelf, write_nifti):
    path = write_nifti("sri24.nii.gz", ball(), AFFINE)
    for name in ("sri24", str(path)):
        np.testing.assert_array_equal(load_atlas(name).brain.array, ball())
        assert load_atlas(name).name == name
        assert atlas_sha256(name) == hashlib.sha256(path.read_bytes()).hexdigest()
    write_nifti("plain.nii", ball(value=70), AFFINE)
    assert load_atlas("plain").brain.array.max() < 100


def test_another_shelf_is_another_atlas(tmp_path, monkeypatch, write_nifti):
    for name, value in (("one", 80.0), ("other", 20.0)):
        write_nifti(f"{name}/atlas.nii.gz", ball(value=value), AFFINE)
        monkeypatch.setenv("UAD_BENCH_ATLASES", str(tmp_path / name))
        assert load_atlas("atlas").brain.array[14, 15, 16] == value + 14


def test_other_axes_become_ras(write_nifti):
    flipped = AFFINE @ np.array([[-1.0, 0, 0, 29], [0, -1, 0, 31], [0, 0, 1, 0], [0, 0, 0, 1]])
    path = write_nifti("lps.nii.gz", ball()[::-1, ::-1], flipped)
    atlas = load_atlas(str(path))
    np.testing.assert_array_equal(atlas.brain.array, ball())
    np.testing.assert_allclose(atlas.brain.affine, AFFINE)
    assert atlas.mask.grid.axes == "RAS"


def test_the_mask_is_one_piece_without_holes(write_nifti):
    array = ball()
    array[14, 15, 16] = 0
    array[0, 0, 0] = 9
    atlas = load_atlas(str(write_nifti("holed.nii.gz", array, AFFINE)))
    assert atlas.mask.array[14, 15, 16]
    assert not atlas.mask.array[0, 0, 0]
    assert atlas.brain.array[0, 0, 0] == 0


@pytest.mark.parametrize("shape", [(8, 8, 8), (60, 60, 60)])
def test_what_is_not_one_brain_is_refused(write_nifti, shape):
    array = np.random.default_rng(0).uniform(1, 9, shape).astype(np.float32)
    with pytest.raises(DataError, match="ml") as caught:
        load_atlas(str(write_nifti("head.nii.gz", array, AFFINE)))
    assert caught.value.code == "UB337"


def test_an_unknown_atlas_is_an_error_that_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("UAD_BENCH_ATLASES", raising=False)
    for name, match in (("sri24", "UAD_BENCH_ATLASES"), (str(tmp_path / "no.nii.gz"), "check the path")):
        with pytest.raises(DataError, match=match) as caught:
            load_atlas(name)
        assert caught.value.code == "UB337"
    monkeypatch.setenv("UAD_BENCH_ATLASES", str(tmp_path))
    with pytest.raises(DataError, match=r"put sri24\.nii\.gz"):
        atlas_sha256("sri24")
