from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # as its own documentation does

from uad_bench.data.nifti.read import Image, Volume, read_volume
from uad_bench.errors import DataError, EnvironmentFault
from uad_bench.prepare import skull_strip
from uad_bench.prepare.largest_component import filled_largest_component
from uad_bench.prepare.skull_strip import BrainExtraction, dice
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.brain_mask import BrainMask, within_data

RAS = np.eye(4)
# 1,728 voxels are 1,382 ml on it, a brain's volume.
WIDE = np.diag([-8.0, 10.0, 10.0, 1.0])


def head(hollow: bool = True) -> np.ndarray:
    """A cube of data with a cavity of exact zeros, and a stray speck."""
    image = np.zeros((20, 20, 20), np.float32)
    image[4:16, 4:16, 4:16] = 5
    if hollow:
        image[8:11, 8:11, 8:11] = 0
    image[1, 1, 1] = 3
    return image


def noisy() -> np.ndarray:
    """A whole head: no voxel is zero."""
    return head() + 1


def case_volumes(
    *images: np.ndarray, stripped: bool | None = True, own: np.ndarray | None = None
) -> CaseVolumes:
    volumes = {f"m{i}": Volume(image, WIDE) for i, image in enumerate(images)}
    mask = Volume(own, WIDE) if own is not None else None
    return CaseVolumes("case-1", volumes, mask, stripped=stripped)


class Tool:
    """In the place of a tool: everything above 5 is brain, the speck too; it remembers what it was shown."""

    def __init__(self, agreement: float | None = 0.99) -> None:
        self.shown: list[Image] = []
        self.agreement = agreement

    def __call__(self, image: Image, where: str) -> BrainExtraction:
        self.shown.append(image)
        return BrainExtraction(Volume(image.array > 5, image.affine), "tool 1.0", self.agreement)


@pytest.fixture
def tool(monkeypatch) -> Tool:
    tool = Tool()
    monkeypatch.setitem(skull_strip.TOOLS, "deepbet", tool)
    monkeypatch.setattr(skull_strip, "available_tool", lambda stripper: "deepbet")
    return tool


@pytest.fixture
def no_tool(monkeypatch) -> None:
    monkeypatch.setattr(skull_strip, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")


def test_from_data_holes_are_filled_and_specks_dropped(no_tool, caplog):
    expected = np.zeros((20, 20, 20), bool)
    expected[4:16, 4:16, 4:16] = True
    settled = BrainMask().apply(case_volumes(head()))
    np.testing.assert_array_equal(settled.brain_mask.array, expected)
    assert settled.figures == {
        "from": "voxels with data",
        "voxels": 1728,
        "share_of_box": 0.216,
        "ml": 1382.4,
    }
    assert not caplog.text


def test_only_where_every_modality_has_data():
    cut = head()
    cut[:, :, 12:] = 0
    assert BrainMask().apply(case_volumes(head(), cut)).brain_mask.array.sum() == 12 * 12 * 8


@pytest.mark.parametrize("stripped", [True, None])
def test_a_brain_that_another_image_shows_in_part_is_warned_of(caplog, stripped):
    part = head()
    part[:, :, :7] = 0
    case = BrainMask().apply(case_volumes(head(), head(), part, stripped=stripped))
    sentence = "only 75% of the brain in m0 has data in m1 and m2 too"
    assert sentence in case.figures["warnings"] and sentence in caplog.text
    assert not BrainMask().apply(case_volumes(head(), head())).figures.get("warnings")


def test_images_without_a_common_voxel_are_told():
    case = case_volumes(head(), head())
    far = Volume(head(), np.array(WIDE) + np.array([[0, 0, 0, 900], *3 * [[0, 0, 0, 0]]]))
    case = CaseVolumes("case-1", {**case.images, "m1": far}, stripped=True)
    with pytest.raises(DataError, match="m0 and m1 have no voxel with data in common") as caught:
        BrainMask().apply(case)
    assert caught.value.code == "UB331"


@pytest.mark.parametrize("stripped", [True, False, None])
def test_the_mask_of_the_case_is_used_without_any_tool(no_tool, stripped, caplog):
    own = head(hollow=False) > 0
    own[4:6] = False
    settled = BrainMask().apply(case_volumes(head(), stripped=stripped, own=own))
    np.testing.assert_array_equal(settled.brain_mask.array, own)
    assert settled.figures["from"] == "file"
    assert "warnings" not in settled.figures
    assert not caplog.text


def test_a_whole_head_is_segmented_by_the_tool_and_its_mask_post_processed(tool):
    settled = BrainMask().apply(case_volumes(noisy(), stripped=False))
    expected = np.zeros((20, 20, 20), bool)
    expected[4:16, 4:16, 4:16] = True  # the cavity filled
    np.testing.assert_array_equal(settled.brain_mask.array, expected)
    assert settled.figures["from"] == "tool 1.0"
    assert (settled.figures["image"], settled.figures["agreement"]) == ("m0", 0.99)
    assert "warnings" not in settled.figures


def test_a_whole_head_without_a_tool_is_an_error_never_a_brain(no_tool):
    for stripped in (False, None):
        with pytest.raises(EnvironmentFault, match=r"pip install 'uad-bench\[strip\]'"):
            BrainMask().apply(case_volumes(noisy(), stripped=stripped))


def test_no_tool_ever_sees_a_stripped_scan(tool):
    for stripped in (True, None):
        BrainMask(flip_check=True).apply(case_volumes(head(), stripped=stripped))
    assert tool.shown == []


@pytest.mark.parametrize(
    ("image", "source", "said"),
    [
        (head(), "voxels with data", "to be stripped by its 1382 ml"),
        (noisy(), "tool 1.0", "to be a whole head by its 6400 ml"),
    ],
)
def test_without_a_declaration_the_data_decide_with_a_warning(tool, caplog, image, source, said):
    settled = BrainMask().apply(case_volumes(image, stripped=None))
    assert settled.figures["from"] == source
    assert len(settled.figures["warnings"]) == 1
    assert said in settled.figures["warnings"][0]
    assert f"case-1: assumed {said}" in caplog.text
    assert "declare `stripped` true or false" in caplog.text


def test_a_head_on_a_background_of_zeros_is_no_brain(tool):
    larger = Volume(head() * 2, np.diag([12.0, 12.0, 12.0, 1.0]))
    BrainMask().apply(CaseVolumes("case-1", {"t2": larger}))
    assert len(tool.shown) == 1


def test_the_tool_receives_t1_and_the_mask_applies_to_the_others(tool):
    fine = Volume(np.repeat(noisy(), 2, axis=2), WIDE @ np.diag([1, 1, 0.5, 1]))
    case = CaseVolumes("case-1", {"t2": Volume(noisy(), WIDE), "t1": fine}, stripped=False)
    settled = BrainMask().apply(case)
    assert [image.array.shape for image in tool.shown] == [(20, 20, 40)]
    assert settled.figures["image"] == "t1"
    assert settled.brain_mask.grid.shape == (20, 20, 40)


def test_the_mask_does_not_bulge_into_the_zeros_around_the_head():
    mask = np.zeros((20, 20, 20), bool)
    mask[3:16, 4:16, 4:18] = True
    kept = within_data(Volume(mask, RAS), Volume(head(), RAS))
    np.testing.assert_array_equal(kept.array, filled_largest_component(head() > 0))


@pytest.mark.parametrize("agreement", [0.9, None])
def test_uncertainty_of_the_tool_is_a_warning(tool, caplog, agreement):
    tool.agreement = agreement
    settled = BrainMask(flip_check=True).apply(case_volumes(noisy(), stripped=False))
    assert len(tool.shown) == 2
    assert settled.figures["flip_dice"] == 1.0
    assert ("tool 1.0 is uncertain about the brain in m0" in caplog.text) == (agreement is not None)


def test_another_mask_of_the_mirrored_head_is_a_warning(tool, monkeypatch):
    def always_left(image: Image, where: str) -> BrainExtraction:
        return BrainExtraction(Volume(np.indices(image.array.shape)[0] < 10, image.affine), "tool 1.0")

    monkeypatch.setitem(skull_strip.TOOLS, "deepbet", always_left)
    figures = BrainMask(flip_check=True).apply(case_volumes(noisy(), stripped=False)).figures
    assert figures["flip_dice"] == 0
    assert "uncertain" in figures["warnings"][0]


@pytest.mark.parametrize("box", [slice(0, 20), slice(9, 11)])
def test_a_mask_that_cannot_be_a_brain_is_refused(box):
    image = np.zeros((20, 20, 20), np.float32)
    image[box, box, box] = 1
    with pytest.raises(DataError, match=r"fills .*% of the box .*case-1.*skull-strip") as caught:
        BrainMask().apply(case_volumes(image))
    assert caught.value.code == "UB331"


@pytest.mark.parametrize(("size", "said"), [(11.0, "is the skull still on"), (6.0, "is part of it missing")])
def test_a_volume_that_no_whole_brain_has_is_warned_of(caplog, size, said):
    volume = Volume(head(), np.diag([size, size, size, 1.0]))
    settled = BrainMask().apply(CaseVolumes("case-1", {"t2": volume}, stripped=True))
    assert said in caplog.text
    assert said in settled.figures["warnings"][0]


def test_nan_inside_the_brain_is_refused_and_outside_becomes_zero(caplog):
    image = head()
    image[1, 1, 1] = np.nan
    assert BrainMask().apply(case_volumes(image)).images["m0"].array[1, 1, 1] == 0
    assert "1 NaN or Inf" in caplog.text
    image[8, 8, 8] = np.inf
    with pytest.raises(DataError, match=r"1 NaN or Inf voxels inside the brain \(case-1, m0\)"):
        BrainMask().apply(case_volumes(image))


def study_mask(folder: Path, name: str) -> np.ndarray:
    """The brain mask of the longitudinal study on a raw scan: from the scan to FLAIR to the common space."""
    # ITK's files lead from the points of the output to those of the input.
    path = sitk.CompositeTransform(3)
    path.AddTransform(
        sitk.ReadTransform(str(folder / "patient1_study1_FLAIR_to_common_space.txt")).GetInverse()
    )
    if name != "FLAIR":
        intrastudy = folder / f"raw/patient1_study1_{name}_intrastudy_to_FLAIR.txt"
        path.AddTransform(sitk.ReadTransform(str(intrastudy)).GetInverse())
    scan = sitk.ReadImage(str(folder / f"raw/patient1_study1_{name}.nii.gz"))
    mask = sitk.ReadImage(str(folder / "patient1_brainmask.nii.gz"))
    carried = sitk.Resample(mask, scan, path, sitk.sitkNearestNeighbor)
    return sitk.GetArrayFromImage(carried).T > 0


def mask_by_deepbet(path: Path) -> np.ndarray:
    case = CaseVolumes("case-1", {"scan": read_volume(path, "case-1")}, stripped=False)
    settled = BrainMask(stripper="deepbet").apply(case)
    assert settled.brain_mask is not None
    return settled.brain_mask.array


@pytest.mark.slow
@pytest.mark.parametrize("name", ["T1W", "T2W", "FLAIR"])
def test_the_brain_of_real_whole_heads_is_found(shared_data, name):
    pytest.importorskip("deepbet")
    folder = shared_data / "MSLUB_longitudinal/patient1"
    found = mask_by_deepbet(folder / f"raw/patient1_study1_{name}.nii.gz")
    assert dice(found, study_mask(folder, name)) >= 0.94


@pytest.mark.slow
@pytest.mark.parametrize("name", ["T1", "T2"])
def test_the_brain_is_found_where_a_rim_of_skull_was_left(shared_data, name):
    pytest.importorskip("deepbet")
    file = f"IXI-{name}/IXI002-Guys-0828-{name}"
    reference = read_volume(shared_data / f"IXI_brain/{file}_mask.nii.gz", "case-1").array > 0
    assert dice(mask_by_deepbet(shared_data / f"IXI/{file}.nii.gz"), reference) >= 0.92
