import numpy as np
import pytest

from uad_bench.data.volumes import Volume
from uad_bench.errors import DataError
from uad_bench.prepare.brain import BrainMask, largest
from uad_bench.prepare.working import Working

RAS = np.eye(4)


def head(hollow: bool = True) -> np.ndarray:
    """A cube of data with a cavity of exact zeros, and a stray speck."""
    image = np.zeros((20, 20, 20), np.float32)
    image[4:16, 4:16, 4:16] = 5
    if hollow:
        image[8:11, 8:11, 8:11] = 0
    image[1, 1, 1] = 3
    return image


def settled(*images: np.ndarray, brain_mask: np.ndarray | None = None) -> Working:
    volumes = {f"m{i}": Volume(image, RAS) for i, image in enumerate(images)}
    return BrainMask().apply(
        Working("case-1", volumes, Volume(brain_mask, RAS) if brain_mask is not None else None)
    )


def test_from_data_holes_are_filled_and_specks_dropped():
    expected = np.zeros((20, 20, 20), bool)
    expected[4:16, 4:16, 4:16] = True
    working = settled(head())
    np.testing.assert_array_equal(working.brain_mask.array, expected)
    assert working.figures == {"from": "voxels with data", "voxels": 1728, "share_of_box": 0.216, "ml": 1.7}


def test_only_where_every_modality_has_data():
    cut = head()
    cut[:, :, 12:] = 0
    assert settled(head(), cut).brain_mask.array.sum() == 12 * 12 * 8


def test_the_files_own_mask_wins():
    own = head(hollow=False) > 0
    own[4:6] = False
    working = settled(head(), brain_mask=own)
    np.testing.assert_array_equal(working.brain_mask.array, own)
    assert working.figures["from"] == "file"


@pytest.mark.parametrize("box", [slice(0, 20), slice(9, 11)])
def test_a_mask_that_cannot_be_a_brain_is_refused(box):
    image = np.zeros((20, 20, 20), np.float32)
    image[box, box, box] = 1
    with pytest.raises(DataError, match=r"fills .*% of the box .*case-1.*skull-strip"):
        settled(image)


def test_a_brain_beyond_two_litres_is_warned_of(caplog):
    big = Volume(head(), np.diag([12.0, 12.0, 12.0, 1.0]))
    BrainMask().apply(Working("case-1", {"t2": big}))
    assert "is the skull still on?" in caplog.text


def test_nan_inside_the_brain_is_refused_and_outside_becomes_zero(caplog):
    image = head()
    image[1, 1, 1] = np.nan
    assert settled(image).images["m0"].array[1, 1, 1] == 0
    assert "1 NaN or Inf" in caplog.text
    image[8, 8, 8] = np.inf
    with pytest.raises(DataError, match=r"1 NaN or Inf voxels inside the brain \(case-1, m0\)"):
        settled(image)


def test_largest_of_touching_corners_and_of_nothing():
    mask = np.zeros((6, 6, 6), bool)
    mask[:3, :3, :3] = mask[3:, 3:, 3] = True
    assert largest(mask).sum() == 27
    assert not largest(np.zeros((3, 3, 3), bool)).any()
