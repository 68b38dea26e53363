import json
import logging
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.toy_brains import centred, distances, pose_of, toy
from uad_bench.data.nifti.read import Grid, Volume, read_mask, read_volume
from uad_bench.errors import DataError, IntegrityError, UsageError
from uad_bench.prepare.registration.affine import Fit
from uad_bench.prepare.registration.atlas import atlas_sha256
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps import register
from uad_bench.prepare.steps.canonical import Canonical
from uad_bench.prepare.steps.register import Register

POSE = pose_of((12, -8, 10), scales=(1.08, 0.93, 1.05), shift=(8, -12, 15))
GRID = centred((66, 76, 66), 3.0)


@pytest.fixture(scope="module")
def atlas(tmp_path_factory) -> str:
    """The toy brain as an atlas file."""
    path = tmp_path_factory.mktemp("atlas") / "toy.nii.gz"
    image, _ = toy()
    nib.save(nib.Nifti1Image(image.array, image.affine), path)
    return str(path)


def case(pose=POSE, grid: Grid = GRID, **more) -> CaseVolumes:
    image, mask = toy(pose, grid.affine, grid.shape)
    return CaseVolumes("sub-1", {"t2": image}, mask, **more)


def noise() -> CaseVolumes:
    """A ball of noise, which is no brain."""
    ball = (np.moveaxis(np.indices(GRID.shape), 0, -1) - np.array(GRID.shape) / 2) ** 2 @ np.ones(3) < 20**2
    values = np.random.default_rng(0).uniform(1, 9, GRID.shape).astype(np.float32)
    return CaseVolumes(
        "sub-2", {"t2": Volume(np.where(ball, values, 0), GRID.affine)}, Volume(ball, GRID.affine)
    )


def test_every_volume_is_moved_to_the_atlas_and_no_voxel_is_touched(atlas):
    case_volumes = case(to_atlas=pose_of(shift=(1, 2, 3)))
    other = Volume(np.ones((4, 5, 6), np.float32), pose_of((0, 0, 30)))
    lesions = Volume(case_volumes.brain_mask.array & (np.indices(GRID.shape)[2] > 40), GRID.affine)
    images = {"t2": case_volumes.images["t2"], "t1": other}
    case_volumes = replace(case_volumes, images=images, lesion_mask=lesions, ignored=lesions)
    done = Register(atlas=atlas, sha256=atlas_sha256(atlas)).apply(case_volumes)
    matrix = np.array(done.figures["matrix"])
    assert distances(np.linalg.inv(matrix), POSE).max() < 0.7
    for before, after in zip(volumes(case_volumes), volumes(done), strict=True):
        assert after.array is before.array
        np.testing.assert_array_equal(after.affine, matrix @ before.affine)
    np.testing.assert_array_equal(done.to_atlas, matrix @ case_volumes.to_atlas)
    assert done.figures["contrast"] == "t2"
    assert done.figures["covered"]["t1"] < 0.1
    assert json.loads(json.dumps(done.figures)) == done.figures


def volumes(case_volumes: CaseVolumes) -> list:
    return [
        *case_volumes.images.values(),
        case_volumes.brain_mask,
        case_volumes.lesion_mask,
        case_volumes.ignored,
    ]


def test_the_contrast_that_is_named_is_fitted_with_a_mask_from_another_grid(atlas, caplog):
    case_volumes = case(grid=centred((66, 76, 40), 3.0, 3.0, 5.0))
    rest = Volume(
        np.random.default_rng(0).random((20, 20, 20), np.float32), centred((20, 20, 20), 9.0).affine
    )
    case_volumes = CaseVolumes("sub-1", {"t2": rest, "t1": case_volumes.images["t2"]}, case().brain_mask)
    with caplog.at_level(logging.WARNING):
        done = Register(atlas=atlas, contrast="t1").apply(case_volumes)
    assert done.figures["contrast"] == "t1"
    assert distances(np.linalg.inv(done.to_atlas), POSE).max() < 1
    assert done.figures["verdict"] == "warn"
    assert f"sub-1: {done.figures['warnings'][0]}" in caplog.text
    assert "ml" in done.figures["warnings"][0]


def test_a_rigid_registration_keeps_every_size(atlas):
    done = Register(atlas=atlas, transform="rigid").apply(case())
    turn = done.to_atlas[:3, :3]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(turn) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(turn, pose_of((12, -8, 10))[:3, :3].T, atol=0.01)


def test_a_failed_registration_is_an_error_or_a_warning(atlas, caplog, monkeypatch):
    # Optimising noise takes seconds and leads nowhere.
    monkeypatch.setattr(register.AffineRegistration, "__call__", lambda *_: Fit(np.eye(4), "header"))
    with pytest.raises(DataError, match="times") as caught:
        Register(atlas=atlas).apply(noise())
    assert (caught.value.code, caught.value.where) == ("UB336", "sub-2")
    with caplog.at_level(logging.WARNING):
        done = Register(atlas=atlas, strict=False).apply(noise())
    assert done.figures["verdict"] == "fail"
    assert "times" in done.figures["warnings"][0]
    assert "times" in caplog.text


def test_an_atlas_that_is_not_the_protocols_is_refused(atlas):
    with pytest.raises(IntegrityError) as caught:
        Register(atlas=atlas, sha256="0" * 64).apply(case())
    assert caught.value.code == "UB503"


def test_a_contrast_that_the_case_does_not_have_is_refused(atlas):
    with pytest.raises(UsageError, match="did you mean t2") as caught:
        Register(atlas=atlas, contrast="t3").apply(case())
    assert caught.value.code == "UB201"


def test_a_brain_elsewhere_a_flat_one_and_a_slab_are_refused(atlas):
    image, mask = case().images["t2"], case().brain_mask
    far = Volume(mask.array, pose_of(shift=(500, 0, 0)) @ mask.affine)
    flat = Volume(mask.array.astype(np.float32), mask.affine)
    slab = Volume(mask.array & (abs(np.indices(GRID.shape)[2] - 33) < 3), mask.affine)
    for image_, mask_, match in (
        (image, far, "no brain"),
        (flat, mask, "no contrast"),
        (image, slab, "slab"),
    ):
        with pytest.raises(DataError, match=match) as caught:
            Register(atlas=atlas).apply(CaseVolumes("sub-1", {"t2": image_}, mask_))
        assert caught.value.code == "UB336"


def test_a_fit_that_simpleitk_gives_up_is_an_error_of_the_case(atlas, monkeypatch):
    def gives_up(*_):
        raise RuntimeError("sitk::ERROR:\nAll samples map outside moving image buffer.")

    monkeypatch.setattr(register.AffineRegistration, "__call__", gives_up)
    with pytest.raises(DataError, match="map outside") as caught:
        Register(atlas=atlas).apply(case())
    assert caught.value.code == "UB336"


@pytest.mark.slow
def test_a_real_scan_finds_mni152_under_any_header(shared_data):
    folder = shared_data / "MSLUB/patient19"
    image = read_volume(folder / "patient19_T2W.nii.gz", "19")
    mask = read_mask(folder / "patient19_brainmask.nii.gz", "19", image.grid)
    header = pose_of((180, 60, 0), shift=(80, -80, 0))
    own, turned = (
        Register().apply(
            Canonical().apply(
                CaseVolumes(
                    "19", {"t2": Volume(image.array, by @ image.affine)}, Volume(mask.array, by @ mask.affine)
                )
            )
        )
        for by in (np.eye(4), header)
    )
    assert own.figures["verdict"] == "ok"
    assert own.figures["dice"] > 0.94
    assert distances(np.linalg.inv(own.to_atlas), np.linalg.inv(turned.to_atlas @ header)).max() < 1
    assert [doubt for doubt in turned.figures["warnings"] if "by its header" not in doubt] == []
