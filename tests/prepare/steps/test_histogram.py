import nibabel as nib
import numpy as np
import pytest
import torch
from torchio import HistogramStandardization, ScalarImage, Subject

from uad_bench.data.nifti.read import Volume
from uad_bench.data.splits import ids_hash
from uad_bench.errors import DataError, UsageError
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.histogram import Histogram
from uad_bench.types import Scan

SHAPE = (24, 26, 22)
BRAIN = sum((axis - n / 2) ** 2 for axis, n in zip(np.ogrid[:24, :26, :22], SHAPE, strict=True)) <= 90


def tissue(seed: int) -> np.ndarray:
    """A brain of three tissues, 10 to 90, with shares that differ from seed to seed; 0 outside."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice([20.0, 50.0, 80.0], SHAPE, p=rng.dirichlet((20, 40, 40)))
    return np.where(BRAIN, kinds + rng.normal(0, 3, SHAPE), 0).astype(np.float32)


def scan(image: np.ndarray, number: int = 0, modality: str = "t2") -> Scan:
    return Scan(f"case-{number}", (modality,), image[None].copy(), BRAIN.copy(), np.eye(4), (1.0, 1.0, 1.0))


def case_volumes(image: np.ndarray) -> CaseVolumes:
    return CaseVolumes("case-1", {"t2": Volume(image, np.eye(4))}, Volume(BRAIN, np.eye(4)))


def learnt(images, **changes) -> Histogram:
    return Histogram(**changes).fitted(scan(image, number) for number, image in enumerate(images))


def test_scans_of_a_brain_by_two_scanners_have_equal_values_afterwards():
    step = learnt([tissue(seed) for seed in range(6)])
    plain = step.apply(case_volumes(tissue(7))).images["t2"].array
    for transfer in (lambda v: 3 * v + 400, lambda v: v**1.5 - 70, lambda v: 1000 * np.log(v + 20)):
        other = transfer(np.clip(tissue(7), 0, None)).astype(np.float32)
        mapped = step.apply(case_volumes(other)).images["t2"].array
        # Straight between landmarks, so a curved change is recovered at them and nearly between.
        assert np.abs(mapped - plain)[BRAIN].mean() < 1.5
        assert np.percentile(mapped[BRAIN], step.percentiles) == pytest.approx(step.landmarks["t2"], abs=0.6)


def test_tissues_of_many_scanners_move_together():
    def spread(images) -> float:
        medians = [np.median(image[BRAIN]) for image in images]
        return float(np.std(medians) / np.mean(medians))

    rng = np.random.default_rng(0)
    images = [(tissue(s) * rng.uniform(0.5, 4) + rng.uniform(0, 300)).astype(np.float32) for s in range(8)]
    step = learnt(images[:6])
    assert (
        spread([step.apply(case_volumes(image)).images["t2"].array for image in images]) < spread(images) / 4
    )


def test_landmarks_are_those_of_torchio(tmp_path):
    paths = []
    for seed in range(5):
        paths.append(tmp_path / f"{seed}.nii")
        nib.save(nib.Nifti1Image(tissue(seed), np.eye(4)), paths[-1])
    percentiles = (1, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 99)
    oracle = HistogramStandardization.train(
        paths, cutoff=(0.01, 0.99), masking_function=lambda t: torch.from_numpy(BRAIN)[None], progress=False
    )
    step = learnt([tissue(seed) for seed in range(5)], percentiles=percentiles)
    np.testing.assert_allclose(step.landmarks["t2"], oracle, atol=1e-3)


def test_a_whole_volume_is_mapped_as_torchio_maps_it():
    marks = np.array([0, 0, 0, 0, 0, 0, 0, 28.41, 33.61, 35.96, 38.94, 50.63, 100])
    # torchio keeps thirteen landmarks and maps by eleven: not by those of the percentiles 25 and 75.
    step = Histogram(landmarks={"t2": tuple(np.delete(marks, [3, 9]))}, mask=False)
    for share in (0.35, 0.55, 0.75):  # of background: the 60th percentile may be brain or not
        image = np.where(np.random.default_rng(0).random(SHAPE) < share, 0, tissue(3) + 5).astype(np.float32)
        tensor = torch.from_numpy(image.copy())[None]
        expected = HistogramStandardization({"t2": marks})(Subject(t2=ScalarImage(tensor=tensor)))["t2"]
        brain = Volume(image != 0, np.eye(4))
        mapped = step.apply(CaseVolumes("case-1", {"t2": Volume(image, np.eye(4))}, brain)).images["t2"].array
        np.testing.assert_allclose(mapped, expected.numpy()[0], atol=1e-3)


@pytest.mark.parametrize("mask", [True, False])
def test_outside_the_brain_only_zeros_have_a_say(mask):
    step = learnt([tissue(0)], mask=mask)
    loud = np.where(BRAIN, tissue(1), 1e5).astype(np.float32)
    mapped = step.apply(case_volumes(loud)).images["t2"].array
    assert np.ptp(mapped[~BRAIN]) == 0
    assert mask is False or not mapped[~BRAIN].any()
    np.testing.assert_array_equal(mapped, step.apply(case_volumes(tissue(1))).images["t2"].array)


def test_beyond_the_outer_percentiles_the_lines_go_on():
    step = Histogram(percentiles=(10, 50, 90), landmarks={"t2": (0, 40, 100)})
    image = np.where(BRAIN, np.random.default_rng(0).permutation(BRAIN.size).reshape(SHAPE), 0).astype(
        np.float32
    )
    low, middle, high = np.percentile(image[BRAIN], (10, 50, 90))
    mapped = step.apply(case_volumes(image)).images["t2"].array
    highest = np.unravel_index(image.argmax(), SHAPE)
    assert mapped[highest] == pytest.approx(40 + 60 * (image[highest] - middle) / (high - middle), rel=1e-4)
    assert mapped[BRAIN].min() == pytest.approx(40 * (image[BRAIN].min() - low) / (middle - low), abs=1e-3)


def test_a_step_records_whether_and_on_which_cases_it_was_fitted(caplog):
    blank = Histogram()
    assert (blank.needs_fit, blank.is_fitted) == (True, False)
    step = learnt([tissue(0), tissue(1)])
    assert (step.needs_fit, step.is_fitted) == (False, True)
    assert step.fitted_on == ids_hash(["case-0", "case-1"])
    assert "only 2 scans" in caplog.text
    assert Histogram.model_validate(step.model_dump(mode="json")) == step
    shipped = Histogram(percentiles=(0, 100), landmarks={"t2": (0, 1)})
    assert (shipped.needs_fit, shipped.is_fitted) == (False, False)


def test_twenty_scans_are_enough_to_be_quiet_and_each_contrast_has_its_own(caplog):
    scans = [
        Scan(f"c{n}", ("t1", "t2"), np.stack([tissue(n), tissue(n) ** 2]), BRAIN.copy(), np.eye(4), (1, 1, 1))
        for n in range(20)
    ]
    step = Histogram().fitted(iter(scans))
    assert not caplog.text
    assert step.landmarks["t1"] != step.landmarks["t2"]
    assert step.landmarks["t1"][0] == 0
    assert step.landmarks["t1"][-1] == 100


def test_no_contrast_no_scan_no_landmarks():
    flat = np.where(BRAIN, 7, 0).astype(np.float32)
    patchy = np.where(tissue(0) > 50, tissue(0), BRAIN).astype(np.float32)  # half of the brain is one value
    for image in (flat, patchy):
        with pytest.raises(DataError, match=r"are equal \(case-1, t2\)") as caught:
            learnt([tissue(0)]).apply(case_volumes(image))
        assert (caught.value.code, caught.value.exit_code) == ("UB327", 3)
    with pytest.raises(DataError, match=r"case-0, t2"):
        learnt([flat])
    with pytest.raises(DataError, match="no scan to learn"):
        learnt([])
    with pytest.raises(UsageError, match="no landmarks yet"):
        Histogram().apply(case_volumes(tissue(0)))
    with pytest.raises(UsageError, match=r"no landmarks for t2.*there are landmarks for t1"):
        Histogram(percentiles=(0, 100), landmarks={"t1": (0, 1)}).apply(case_volumes(tissue(0)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"percentiles": (50,)},
        {"percentiles": (1, 50, 50)},
        {"percentiles": (1, 101)},
        {"landmarks": {"t2": (0, 1)}},
        {"percentiles": (1, 99), "landmarks": {"t2": (1, 0)}},
        {"percentiles": (1, 99), "landmarks": {"t2": (1, 1)}},
        {"percentiles": (1, 99), "landmarks": {"t2": (0, float("nan"))}},
        {"standard": (100, 0)},
    ],
)
def test_landmarks_and_percentiles_that_cannot_be(wrong):
    with pytest.raises(ValueError, match=r"percentile|landmark|standard"):
        Histogram(**wrong)
