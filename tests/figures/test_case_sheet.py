"""The sheet of cases, inspected through its axes."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread
from sklearn.metrics import average_precision_score

from tests.helpers.case_images import case_images
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.figures.case_sheet import case_sheet, draw_case_sheet, thinned
from uad_bench.figures.slice_drawing import LESION_COLOUR, THRESHOLD_COLOUR


@pytest.fixture(scope="module")
def cases():
    return [case_images("a"), case_images("$b_c$"), case_images("h12", lesion=False)]


@pytest.fixture(scope="module")
def curves(cases):
    found = {c.case_id: Curve.of(c.map[c.brain_mask], c.lesion_mask[c.brain_mask]) for c in cases}
    return {"all": Curve.pool(found.values()), **found}


def images(figure):
    """The axes that show an image, in the order of drawing."""
    found = figure.findobj(match=lambda artist: hasattr(artist, "get_images"))
    return [axes for axes in found if axes.get_images()]


def curve_plot(figure):
    found = figure.findobj(match=lambda artist: hasattr(artist, "get_xlabel"))
    return next(axes for axes in found if axes.get_xlabel() == "recall")


def test_each_case_has_image_map_and_outline_on_one_scale(cases, curves):
    shown = images(case_sheet(cases, curves, "title"))
    assert len(shown) == 9
    scales = {axes.get_images()[0].get_clim() for axes in shown[1::3]}
    scores = np.concatenate([case.map[case.brain_mask] for case in cases])
    assert scales == {tuple(np.percentile(scores, [1, 99.5]))}


def test_outlines_are_drawn_where_the_masks_have_one(cases, curves):
    outlined = images(case_sheet(cases, curves, "title", threshold=("healthy_q98", 1.2)))[2::3]
    colours = [[to_hex(found.get_edgecolor()[0]) for found in axes.collections] for axes in outlined]
    assert colours == [[THRESHOLD_COLOUR, LESION_COLOUR], [THRESHOLD_COLOUR, LESION_COLOUR], []]
    assert [axes.get_title(loc="left") for axes in outlined] == ["lesion", "lesion", "no lesion"]
    assert {axes.get_title(loc="right") for axes in outlined} == {"≥ healthy_q98"}


def test_i6_a_long_case_id_is_smaller_and_not_cut(curves):
    long = case_images("sub-" + "0123456789" * 7)
    (title,) = [axes.title for axes in images(case_sheet([long], curves, "t"))[:1]]
    found = images(case_sheet([long], curves, "t"))[0]._left_title
    assert long.case_id in found.get_text() and found.get_fontsize() < 5 and title.get_text() == ""


def test_the_curves_have_their_average_precision_and_the_prevalence(cases, curves):
    plot = curve_plot(case_sheet(cases, curves, "t"))
    labels = [text.get_text() for text in plot.get_legend().get_texts()]
    truth = np.concatenate([case.lesion_mask[case.brain_mask] for case in cases])
    scores = np.concatenate([case.map[case.brain_mask] for case in cases])
    assert labels[0] == f"all: AP {average_precision_score(truth, scores):.3f}, prevalence {truth.mean():.4f}"
    assert len(labels) == 3
    assert sorted({line.get_linestyle() for line in plot.lines}) == ["-", "--"]


def test_a_thinned_curve_keeps_its_ends_and_its_area():
    rng = np.random.default_rng(0)
    lesion = rng.random(50_000) < 0.1
    curve = Curve.of((rng.normal(size=50_000) + lesion).astype(np.float32), lesion)
    recall, precision = thinned(curve)
    assert recall.size <= 500 and recall[0] == 0 and recall[-1] == 1
    assert np.sum(np.diff(recall) * precision[1:]) == pytest.approx(curve.ap(), abs=2e-3)


def test_the_file_shows_at_most_six_cases_and_is_equal_when_drawn_again(cases, curves, tmp_path):
    for name, some in (("1.png", 3 * cases), ("2.png", 2 * cases)):
        draw_case_sheet(tmp_path / name, some, curves, "seed 0, $x_1$ \u202e", threshold=("healthy_q98", 1.2))
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()
    assert imread(tmp_path / "1.png").std() > 0.05


def test_without_cases_and_curves_the_axes_are_empty():
    figure = case_sheet([], {}, "nothing")
    assert images(figure) == [] and figure.get_suptitle() == "nothing"
    assert not curve_plot(figure).lines and curve_plot(figure).get_legend() is None
