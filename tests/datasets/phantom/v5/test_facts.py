"""Version 5 against the facts of real scans: docs/datasets/phantom.md has the whole table."""

import numpy as np
import pytest

from benchmarks.facts.image_facts import Volume, contrast, image_facts
from benchmarks.facts.lesion_facts import REAL, Patient, lesion_facts
from benchmarks.phantom_facts import SCANS, prepared
from uad_datasets.phantom.v5.patients import draw_volumes, severity


@pytest.fixture(scope="module")
def found(patients):
    """The lesion facts of the twelve MS patients of the default cohort."""
    return lesion_facts([Patient.of(5, f"phantom-ms-{i:03d}", one) for i, one in enumerate(patients)])


@pytest.mark.parametrize("fact", [fact for fact, quartiles in REAL.items() if len(quartiles) == 3])
def test_medians_of_lesions_lie_within_the_real_quartiles(found, fact):
    low, _, high = REAL[fact]
    assert low <= np.median(found[fact]) <= high


def test_volumes_are_heavy_tailed(found):
    (share,) = found["lesion volume in lesions above 1000 mm³, %"]
    assert share == pytest.approx(71, abs=10)
    assert np.percentile(found["volume of a lesion, mm³"], [10, 90]) == pytest.approx([2, 127], rel=0.6)


@pytest.mark.parametrize("seed", range(6))
def test_cohorts_of_other_seeds_have_real_counts_and_loads_too(seed):
    names = [f"phantom-ms-{i:03d}" for i in range(12)]
    drawn = [
        draw_volumes(np.random.default_rng([seed, i]), severity(seed, name)) for i, name in enumerate(names)
    ]
    assert 1.8 <= np.median([volumes.sum() / 1e3 for volumes in drawn]) <= 28.2
    assert 31 <= np.median([len(volumes) for volumes in drawn]) <= 116
    assert 6 <= np.median(np.concatenate(drawn)) <= 46


#: Quartiles over six real T2 scans outside their lesions, at 2 mm: benchmarks/phantom_facts.py.
IMAGES = {
    "brain, ml": (1210, 1608),
    "t2 intensity, 5 %": (0.606, 0.699),
    "t2 intensity, 95 %": (1.95, 2.49),
    "bright and deeper than 22 mm (ventricles), ml": (22.7, 43),
    "bright share of the outer 16 mm (sulci), %": (9.2, 18.3),
    "local spread (3 voxels cubed), 10 %": (0.048, 0.0701),
    "local spread, 50 %": (0.193, 0.251),
    "local spread, 90 %": (0.468, 0.634),
    "gradient per voxel, mean": (0.272, 0.357),
    "correlation with the next voxel": (0.732, 0.798),
    "correlation at 3 voxels": (0.247, 0.402),
    "bias: spread of the darker half over 40 mm": (0.014, 0.0319),
}


@pytest.fixture(scope="module")
def images(healthy):
    """Fact -> values over eight healthy phantoms."""
    rows = [image_facts(Volume(one.images["t2"], one.brain_mask, one.lesion_mask)) for one in healthy]
    return {fact: [row[fact] for row in rows] for fact in rows[0]}


@pytest.mark.parametrize("fact", IMAGES)
def test_medians_of_healthy_images_lie_within_the_real_quartiles(images, fact):
    low, high = IMAGES[fact]
    assert low <= np.median(images[fact]) <= high


def test_lesions_have_the_contrast_of_real_ones(patients):
    """Between the two real patients, or near: bright on T2 and FLAIR, dark on T1."""
    medians = {}
    for modality in ("t1", "t2", "flair"):
        rows = [contrast(Volume(one.images[modality], one.brain_mask, one.lesion_mask)) for one in patients]
        medians[modality] = np.median([row["lesions all against surroundings"] for row in rows])
    assert -0.25 < medians["t1"] < -0.05
    assert 0.36 <= medians["t2"] <= 0.64
    assert 0.24 < medians["flair"] < 0.36


@pytest.mark.slow
def test_the_quartiles_above_are_those_of_the_real_scans(shared_data):
    rows = [image_facts(prepared(shared_data, "t2", *paths)) for paths in SCANS.values()]
    for fact, quartiles in IMAGES.items():
        assert np.percentile([row[fact] for row in rows], [25, 75]) == pytest.approx(quartiles, rel=0.01)
