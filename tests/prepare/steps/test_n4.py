import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from uad_bench.data.nifti.read import Volume, read_volume
from uad_bench.errors import DataError, UsageError
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.brain_mask import brain_from_data
from uad_bench.prepare.steps.n4 import N4, Lattice, positive_offset

QUICK = N4(shrink=8)


def ball(shape: tuple[int, int, int] = (40, 44, 40)) -> tuple[np.ndarray, np.ndarray]:
    """A brain of two tissues, 100 and 160, with noise, at 4 mm; and its mask."""
    x, y, z = np.indices(shape)
    brain = (x - 20) ** 2 + (y - 22) ** 2 + (z - 20) ** 2 <= 17**2
    deep = np.sin(x / 3) * np.sin(y / 4) * np.sin(z / 3) > 0
    noise = np.random.default_rng(0).normal(0, 2, shape)
    return np.where(brain, np.where(deep, 100, 160) + noise, 0).astype(np.float32), brain


def drift(shape: tuple[int, ...]) -> np.ndarray:
    """A smooth field, 0.7 to 1.4, as a receiver coil makes it."""
    x, y, z = np.indices(shape)
    field: np.ndarray = np.exp(0.012 * (x - 20) - 0.0004 * (y - 15) ** 2 + 0.004 * (z - 20)).astype(
        np.float32
    )
    return field


def case_volumes(image: np.ndarray, brain: np.ndarray, size: float = 4.0) -> CaseVolumes:
    affine = np.diag([size, size, size, 1.0])
    return CaseVolumes("case-1", {"t2": Volume(image, affine)}, Volume(brain, affine))


def spread_of(ratio: np.ndarray) -> float:
    """The deviation of a field from flat, in per cent of its mean."""
    return float(100 * ratio.std() / ratio.mean())


def test_a_known_field_is_removed():
    image, brain = ball()
    field = drift(image.shape)
    corrected = QUICK.apply(case_volumes(image * field, brain)).images["t2"].array
    before, left = spread_of(field[brain]), spread_of((corrected / np.where(brain, image, 1))[brain])
    assert before > 10
    assert left < 2


def test_a_scan_without_bias_field_hardly_changes():
    image, brain = ball()
    settled = QUICK.apply(case_volumes(image, brain))
    low, high = settled.figures["t2"]["field"]
    assert 0.97 < low < 1 < high < 1.04
    assert settled.images["t2"].array[brain].mean() == pytest.approx(image[brain].mean(), rel=0.005)


def test_a_corrected_real_scan_hardly_changes(shared_data):
    image = read_volume(shared_data / "MSLUB/patient07/patient07_T2W.nii.gz", "case-1")
    case = CaseVolumes("case-1", {"t2": image})
    low, high = N4().apply(CaseVolumes("case-1", {"t2": image}, brain_from_data(case))).figures["t2"]["field"]
    assert 0.97 < low < 1 < high < 1.04


def test_negative_values_are_offset_for_the_logarithm_only():
    image, brain = ball()
    image[20, 22, 20:24] = [-30, 0, -10, 0.1]
    settled = QUICK.apply(case_volumes(image * drift(image.shape), brain))
    array = settled.images["t2"].array
    assert np.isfinite(array).all()
    assert settled.figures["t2"]["lifted"] > 30
    np.testing.assert_allclose(array[20, 22, 20:24], image[20, 22, 20:24], atol=15)


def test_positive_images_have_no_offset_at_any_scale():
    image, brain = ball()
    assert positive_offset(image[brain]) == 0
    tiny = (image[brain] - 200) / 1e6
    assert (tiny + positive_offset(tiny)).min() == pytest.approx(0.05 * tiny.std(), rel=1e-3)


def test_the_field_of_view_does_not_matter():
    image, brain = ball()
    image = image * drift(image.shape)
    wide = [(3, 5), (0, 8), (7, 2)]
    one = QUICK.apply(case_volumes(image, brain)).images["t2"].array
    two = QUICK.apply(case_volumes(np.pad(image, wide), np.pad(brain, wide))).images["t2"].array
    np.testing.assert_array_equal(two[np.pad(brain, wide)], one[brain])


def test_each_modality_is_corrected_on_its_own_grid():
    image, brain = ball()
    case = case_volumes(image * drift(image.shape), brain)
    fine = Volume(np.repeat(image, 2, axis=2), case.images["t2"].affine @ np.diag([1, 1, 0.5, 1.0]))
    settled = QUICK.apply(CaseVolumes("case-1", {"t2": case.images["t2"], "t1": fine}, case.brain_mask))
    assert settled.images["t1"].array.shape == (40, 44, 80)
    assert settled.figures["t1"]["thinned"] == [2, 2, 4]
    assert spread_of(settled.images["t1"].array[fine.array > 130]) < 6
    alone = QUICK.apply(case).images["t2"].array
    np.testing.assert_array_equal(settled.images["t2"].array, alone)


def test_thin_voxels_are_thinned_and_thick_slices_kept():
    brain = np.zeros((300, 340, 40), bool)
    brain[10:290, 10:330, 2:38] = True
    lattice = Lattice.around(brain, (0.5, 0.5, 4.0), 5.0, 200.0)
    assert lattice.factors == (10, 10, 1)
    np.testing.assert_allclose(lattice.spacing, (5, 5, 4))
    assert lattice.spans == (1, 1, 1)
    for axis, (first, last) in zip(lattice.indices, ((10, 289), (10, 329), (2, 37)), strict=True):
        assert axis[0] <= first
        assert axis[-1] >= last


def test_a_brain_longer_than_the_spline_gets_a_second_span():
    brain = np.ones((150, 100, 30), bool)
    lattice = Lattice.around(brain, (1.0, 1.0, 1.0), 5.0, 100.0)
    assert lattice.spans == (2, 1, 1)
    assert (lattice.indices[0][-1] - lattice.indices[0][0]) == 200


def test_between_the_places_the_field_is_linear_and_beyond_them_the_nearest():
    brain = np.zeros((30, 20, 9), bool)
    brain[8:23, 6:16, 2:8] = True
    lattice = Lattice.around(brain, (1.0, 1.0, 1.0), 4.0, 10.0)
    x, y, z = lattice.indices
    assert (x[0], x[-1]) == (5, 25)
    ramp = np.float32(x[:, None, None] + 2 * y[:, None] + 3 * z)
    spread = lattice.spread(ramp, brain.shape)
    far = [
        np.clip(np.arange(n), axis[0], axis[-1]) for n, axis in zip(brain.shape, lattice.indices, strict=True)
    ]
    np.testing.assert_allclose(spread, far[0][:, None, None] + 2 * far[1][:, None] + 3 * far[2], atol=1e-4)


def test_outside_the_image_the_lattice_takes_zeros():
    brain = np.zeros((12, 12, 12), bool)
    brain[2:10, 2:10, 2:10] = True
    taken = Lattice.around(brain, (1.0, 1.0, 1.0), 4.0, 40.0).take(np.ones(brain.shape, np.float32))
    assert taken.shape == (11, 11, 11)
    assert taken.sum() == 27
    assert taken[4:7, 4:7, 4:7].all()


def test_no_contrast_inside_the_brain_is_an_error():
    image, brain = ball()
    with pytest.raises(DataError, match=r"no contrast inside the brain in t2 \(case-1\)") as caught:
        QUICK.apply(case_volumes(np.where(brain, np.float32(7), image + 1), brain))
    assert caught.value.code == "UB327"


def test_an_image_without_the_brain_is_an_error():
    image, brain = ball()
    case = case_volumes(image, brain)
    away = np.array(case.images["t2"].affine)
    away[:3, 3] = 1000
    with pytest.raises(DataError, match=r"no brain in the field of view of t1 \(case-1\)"):
        QUICK.apply(CaseVolumes("case-1", {"t1": Volume(image, away)}, case.brain_mask))


def test_the_brain_mask_comes_first():
    image, _ = ball()
    with pytest.raises(UsageError, match="'brain_mask' first"):
        QUICK.apply(CaseVolumes("case-1", {"t2": Volume(image, np.eye(4))}))


def test_two_processes_make_the_same_bits():
    program = (
        "import hashlib\n"
        "from tests.prepare.steps.test_n4 import QUICK, ball, drift, case_volumes\n"
        "image, brain = ball()\n"
        "made = QUICK.apply(case_volumes(image * drift(image.shape), brain))\n"
        "print(hashlib.sha256(made.images['t2'].array.tobytes()).hexdigest(), made.figures)"
    )
    command, here = [sys.executable, "-c", program], Path(__file__).parents[3]
    runs = [subprocess.run(command, capture_output=True, check=True, cwd=here) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout
