import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from uad_bench.errors import DataError, UadError, UsageError
from uad_bench.prepare.chain import parse_steps, run_chain
from uad_bench.types import Case

STEPS = [
    {"step": "canonical"},
    {"step": "brain_mask"},
    {"step": "resample", "spacing": [2, 2, 2], "shape": [26, 28, 24]},
    {"step": "scale"},
]


def test_a_case_ends_on_one_grid_with_background_zero(toy_case):
    result = run_chain(toy_case(), ["t2"], STEPS)
    assert result.image.shape == (1, 26, 28, 24)
    assert (result.image.dtype, result.brain_mask.dtype, result.lesion_mask.dtype) == (np.float32, bool, bool)
    assert not result.image[0][~result.brain_mask].any()
    assert result.lesion_mask.sum() * 8 == pytest.approx(125, abs=4)
    np.testing.assert_allclose(np.diag(result.affine), (2, 2, 2, 1))


def test_the_lesion_is_where_it_was_in_the_world(toy_case):
    result = run_chain(toy_case(), ["t2"], STEPS)
    middle = result.affine @ [*np.argwhere(result.lesion_mask).mean(axis=0), 1]
    np.testing.assert_allclose(middle[:3], (9, 4, -2), atol=0.7)


def test_the_record_has_every_parameter_and_is_json(toy_case):
    record = json.loads(json.dumps(run_chain(toy_case(), ["t2"], STEPS).record, allow_nan=False))
    assert [step["step"] for step in record] == ["canonical", "brain_mask", "resample", "scale"]
    assert record[2]["centre"] == "brain"
    assert (record[3]["percentiles"], record[3]["clip"]) == ([1, 99], True)
    assert record[2]["figures"]["lesions"] == 1
    assert {"from", "voxels", "share_of_box", "ml"} <= set(record[1]["figures"])


@pytest.mark.parametrize("axes", ["LPS", "PIR", "SAL"])
def test_a_copy_stored_with_other_axes_prepares_to_the_same_bits(toy_case, axes):
    case = toy_case()
    turn = nib.orientations.axcodes2ornt(axes)
    for path in (case.images["t2"], case.lesion_mask):
        image = nib.load(path)
        data = nib.Nifti1Image(np.asarray(image.dataobj), image.affine)
        nib.save(
            data.as_reoriented(nib.orientations.ornt_transform(nib.io_orientation(image.affine), turn)),
            f"{path}.nii",
        )
    other = replace(
        case,
        images={"t2": case.images["t2"].with_name("toy-1_t2.nii.gz.nii")},
        lesion_mask=case.lesion_mask.with_name("toy-1_m.nii.gz.nii"),
    )
    one, two = run_chain(case, ["t2"], STEPS), run_chain(other, ["t2"], STEPS)
    assert two.record[0]["figures"] == {"axes_before": {"t2": axes}}
    for name in ("image", "brain_mask", "lesion_mask", "affine"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_channels_have_the_requested_order(toy_case):
    one, two = toy_case("a"), toy_case("b", seed=1)
    case = replace(one, images={"t1": two.images["t2"], "t2": one.images["t2"]})
    both = run_chain(case, ["t2", "t1"], STEPS).image
    np.testing.assert_array_equal(both[::-1], run_chain(case, ["t1", "t2"], STEPS).image)
    assert not np.array_equal(both[0], both[1])


def test_a_healthy_case_has_no_lesion_mask(toy_case):
    assert run_chain(toy_case(lesion=False), ["t2"], STEPS).lesion_mask is None


def test_a_missing_modality_names_the_case_and_what_there_is(toy_case):
    with pytest.raises(DataError, match=r"no flair image; the case has t2 \(toy-1\)"):
        run_chain(toy_case(), ["t2", "flair"], STEPS)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"step": "rescale"}], "did you mean scale"),
        ([{"step": "scale", "percentile": 3}], "did you mean percentiles"),
        ([{}], "known: atlas_grid, brain_mask, canonical"),
        ([{"step": "scale", "percentiles": [1, 101]}], r"percentiles\.1: .*101 \(prepare\[0\], step scale\)"),
        ([{"step": "resample", "spacing": [2, 2, 0], "shape": [9, 9, 9]}], r"spacing\.2: "),
        ([{"step": "resample", "spacing": [2, 2, 2]}], "shape"),
        ([{"step": "resample", "spacing": [2, 2, 2], "shape": [9, 9, 9], "centre": "head"}], "centre"),
    ],
)
def test_steps_that_cannot_be(steps, said):
    with pytest.raises(UsageError, match=said) as caught:
        parse_steps(steps)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_a_missing_step_is_named(toy_case):
    with pytest.raises(UsageError, match="'brain_mask' first"):
        run_chain(toy_case(), ["t2"], STEPS[2:])
    plain = run_chain(toy_case(), ["t2"], STEPS[:2])
    np.testing.assert_array_equal(np.diag(plain.affine), 1)


def test_axes_other_than_ras_are_not_handed_on(toy_case, write_nifti):
    image = np.zeros((20, 20, 20), np.float32)
    image[5:15, 5:15, 5:15] = np.random.default_rng(0).random((10, 10, 10)) + 1
    case = Case(
        "toy", "lps", "lps", {"t2": write_nifti("lps.nii.gz", image, np.diag([-1, -1, 1, 1]))}, healthy=True
    )
    with pytest.raises(UsageError, match="the axes are LPS"):
        run_chain(case, ["t2"], STEPS[1:2])
    assert run_chain(case, ["t2"], STEPS[:2]).image.shape == (1, 20, 20, 20)


def test_grids_that_differ_need_a_resampling(toy_case, write_nifti):
    one = toy_case()
    other = write_nifti(
        "t1.nii.gz",
        np.asarray(nib.load(one.images["t2"]).dataobj),
        np.diag([1.1, 1, 1, 1]) @ nib.load(one.images["t2"]).affine,
    )
    case = replace(one, images={"t2": one.images["t2"], "t1": other}, lesion_mask=None, healthy=True)
    with pytest.raises(DataError, match="do not share a grid"):
        run_chain(case, ["t2", "t1"], STEPS[:2])
    assert run_chain(case, ["t2", "t1"], STEPS).image.shape == (2, 26, 28, 24)


@pytest.mark.parametrize("value", [0, 1])
def test_an_empty_or_full_brain_mask_is_refused(toy_case, write_nifti, value):
    case = toy_case()
    affine = nib.load(case.images["t2"]).affine
    mask = write_nifti("brain.nii.gz", np.full((48, 52, 46), value, np.uint8), affine)
    with pytest.raises(DataError, match=r"the brain mask (is empty|fills 100.0%)") as caught:
        run_chain(replace(case, brain_mask=mask), ["t2"], STEPS)
    assert caught.value.exit_code == 3


def test_masks_of_another_grid_are_refused_before_any_step(toy_case, write_nifti):
    case = toy_case()
    wrong = write_nifti("wrong.nii.gz", np.ones((48, 52, 47), np.uint8), nib.load(case.images["t2"]).affine)
    for changed in (replace(case, lesion_mask=wrong), replace(case, brain_mask=wrong)):
        with pytest.raises(DataError, match=r"48x52x47 .* 48x52x46") as caught:
            run_chain(changed, ["t2"], [])
        assert "toy-1" in str(caught.value)


def test_a_brain_mask_may_be_on_the_grid_of_another_image(shared_data):
    folder = shared_data / "IXI_brain"
    name = "IXI002-Guys-0828"
    images = {m: folder / f"IXI-{m.upper()}/{name}-{m.upper()}.nii.gz" for m in ("t1", "t2")}
    steps = [*STEPS[:2], {"step": "resample", "spacing": [3, 3, 3], "shape": [54, 64, 54]}, STEPS[3]]
    case = Case(
        "ixi", name, "IXI002", images, healthy=True, brain_mask=folder / f"IXI-T1/{name}-T1_mask.nii.gz"
    )
    by_t1 = run_chain(case, ["t2"], steps).brain_mask
    by_t2 = run_chain(
        replace(case, brain_mask=folder / f"IXI-T2/{name}-T2_mask.nii.gz"), ["t2"], steps
    ).brain_mask
    overlap = 2 * (by_t1[1:, 1:, 1:] & by_t2[1:, 1:, 1:]).sum() / (by_t1.sum() + by_t2.sum())
    assert overlap > 0.85


def test_a_real_tumour_keeps_its_volume_and_its_side(shared_data):
    folder = shared_data / "BraTS21/BraTS2021_96692"
    files = {what: folder / f"BraTS2021_96692_{what}.nii.gz" for what in ("t2", "seg")}
    case = Case("brats21", "b", "b", {"t2": files["t2"]}, healthy=False, lesion_mask=files["seg"])
    result = run_chain(
        case, ["t2"], [*STEPS[:2], {"step": "resample", "spacing": [2, 2, 2], "shape": [80, 96, 80]}]
    )
    source = nib.load(files["seg"])
    tumour = np.asarray(source.dataobj) > 0
    assert result.lesion_mask.sum() * 8 == pytest.approx(tumour.sum(), rel=0.03)
    middle = result.affine @ [*np.argwhere(result.lesion_mask).mean(axis=0), 1]
    np.testing.assert_allclose(middle, source.affine @ [*np.argwhere(tumour).mean(axis=0), 1], atol=0.3)


def test_every_refusal_is_one_line(toy_case, write_nifti):
    image = np.zeros((20, 20, 20), np.float32)
    image[5:15, 5:15, 5:15] = np.random.default_rng(0).random((10, 10, 10)) + 1
    image[9, 9, 9] = np.nan
    case = Case("toy", "nan", "nan", {"t2": write_nifti("nan.nii.gz", image)}, healthy=True)
    with pytest.raises(UadError, match="1 NaN or Inf voxels inside the brain") as caught:
        run_chain(case, ["t2"], STEPS)
    assert (caught.value.exit_code, "\n" in str(caught.value)) == (3, False)
