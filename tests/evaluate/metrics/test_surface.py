"""Surface distances equal MONAI's; an empty prediction has the worst value, a case without lesion has none."""

import numpy as np
import pytest

from tests.helpers import monai_oracle
from tests.helpers.masks import MM, blobs, box, empty, view
from uad_bench.evaluate.metrics.surface import Assd, Hd95, NormalisedSurfaceDice, Nsd1, Nsd2

ALL = [Hd95(), Assd(), Nsd1(), Nsd2()]
CUBE = box(((4, 8), (4, 8), (4, 8)))


def monai(metric, prediction, truth, spacing):
    """The value by MONAI."""
    if isinstance(metric, NormalisedSurfaceDice):
        return monai_oracle.nsd(prediction, truth, spacing, metric.tolerance)
    return (monai_oracle.assd if isinstance(metric, Assd) else monai_oracle.hd95)(prediction, truth, spacing)


@pytest.mark.parametrize("spacing", [MM, (2.0, 2.0, 2.0), (0.47, 0.5, 1.3)])
def test_values_equal_monai(spacing):
    rng = np.random.default_rng(7)
    for _ in range(12):
        truth, guess = blobs(rng, 3), blobs(rng, 3) | (rng.random((24, 22, 20)) < 1e-3)
        seen = view(guess, truth, spacing=spacing)
        for metric in ALL:
            expected = monai(metric, guess, truth, spacing)
            assert metric.case(seen).value == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("metric", ALL)
def test_everything_predicted_and_a_lesion_at_the_rim_of_the_grid(metric):
    rim = box(((0, 3), (8, 11), (0, 10)))
    for guess, truth in ((~empty(), CUBE), (~empty(), rim), (CUBE, rim), (rim, rim)):
        expected = monai(metric, guess, truth, MM)
        assert metric.case(view(guess, truth)).value == pytest.approx(expected, rel=1e-6)


def test_an_empty_prediction_scores_the_diagonal_of_the_image_or_0():
    seen = view(empty((3, 4, 12)), box((1, 1, 1), shape=(3, 4, 12)), spacing=(1.0, 1.0, 1.0))
    assert [metric.case(seen).value for metric in ALL] == [13, 13, 0, 0]
    wide = view(empty((3, 4, 6)), box((1, 1, 1), shape=(3, 4, 6)), spacing=(1.0, 1.0, 2.0))
    assert Hd95().case(wide).value == 13


@pytest.mark.parametrize("metric", ALL)
def test_reasons(metric):
    assert metric.case(view(CUBE, empty())).reason == "no_positive"
    assert metric.case(view(CUBE, CUBE, empty())).reason == "empty_brain"
    assert metric.case(view(CUBE, CUBE, threshold=None)).reason == "no_threshold"


def test_the_part_of_a_lesion_outside_the_brain_belongs_to_its_surface():
    half = box(((0, 6), (0, 11), (0, 10)))
    expected = monai(Hd95(), CUBE & half, CUBE, MM)
    assert Hd95().case(view(CUBE, CUBE, half)).value == pytest.approx(expected)
    assert expected > 0


def test_a_constant_map_predicts_the_whole_brain():
    seen = view(np.ones((12, 11, 10)), CUBE, threshold=1.0)
    assert Assd().case(seen).value == pytest.approx(monai(Assd(), ~empty(), CUBE, MM), rel=1e-6)
