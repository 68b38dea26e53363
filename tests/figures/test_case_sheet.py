"""The picture of a run, looked at through its axes and its bytes."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread
from sklearn.metrics import average_precision_score

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.figures import slice_drawing
from uad_bench.figures.case_sheet import OUTLINE, THRESHOLD, draw, draw_sheet, thinned
from uad_bench.figures.slices import Panel

SHAPE = (20, 24, 6)


def make_panel(name, *, lesion=True):
    rng = np.random.default_rng(len(name))
    brain, mask = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    brain[2:18, 2:22] = True
    mask[4:8, 4:9, 3] = lesion
    scores = (rng.random(SHAPE) + mask).astype(np.float32)
    return Panel(name, "ms" if lesion else "healthy", scores, scores, brain, mask, (2.0, 2.0, 2.0))


@pytest.fixture(scope="module")
def panels():
    return [make_panel("a"), make_panel("$b_c$"), make_panel("h12", lesion=False)]


@pytest.fixture(scope="module")
def curves(panels):
    found = {p.case_id: Curve.of(p.map[p.brain_mask], p.lesion_mask[p.brain_mask]) for p in panels}
    return {"all": Curve.pool(found.values()), **found}


def pictures(figure):
    return [
        axes
        for axes in figure.findobj(match=lambda artist: hasattr(artist, "get_images"))
        if axes.get_images()
    ]


def test_each_case_has_image_map_and_outline_on_one_scale(panels, curves):
    shown = pictures(draw(panels, curves, "title"))
    assert len(shown) == 9
    scales = {axes.get_images()[0].get_clim() for axes in shown[1::3]}
    scores = np.concatenate([panel.map[panel.brain_mask] for panel in panels])
    assert scales == {tuple(np.percentile(scores, [1, 99.5]))}


def test_outlines_are_drawn_where_there_is_something_to_outline(panels, curves):
    outlined = pictures(draw(panels, curves, "title", threshold=1.2))[2::3]
    colours = [[to_hex(found.get_edgecolor()[0]) for found in axes.collections] for axes in outlined]
    assert colours == [[THRESHOLD, OUTLINE], [THRESHOLD, OUTLINE], []]
    assert [axes.get_title(loc="left") for axes in outlined] == ["lesion", "lesion", "no lesion"]


def test_the_curves_have_their_average_precision_and_the_prevalence(panels, curves):
    (plot,) = [axes for axes in draw(panels, curves, "t").findobj(match=lambda a: hasattr(a, "get_xlabel"))
               if axes.get_xlabel() == "recall"]  # fmt: skip
    labels = [text.get_text() for text in plot.get_legend().get_texts()]
    truth = np.concatenate([panel.lesion_mask[panel.brain_mask] for panel in panels])
    scores = np.concatenate([panel.map[panel.brain_mask] for panel in panels])
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


def test_the_file_is_a_small_png_and_equal_when_drawn_again(panels, curves, tmp_path):
    for name in ("1.png", "2.png"):
        draw_sheet(tmp_path / name, panels, curves, "seed 0, $x_1$ \u202e", threshold=1.2)
    data = (tmp_path / "1.png").read_bytes()
    assert data == (tmp_path / "2.png").read_bytes()
    assert len(data) <= 400_000
    assert imread(tmp_path / "1.png").std() > 0.05


def test_a_picture_that_would_be_large_is_drawn_with_fewer_dots(panels, tmp_path, monkeypatch):
    draw_sheet(tmp_path / "a.png", panels[:1], {}, "noise")
    monkeypatch.setattr(slice_drawing, "MOST_BYTES", (tmp_path / "a.png").stat().st_size - 1)
    draw_sheet(tmp_path / "b.png", panels[:1], {}, "noise")
    assert imread(tmp_path / "b.png").shape < imread(tmp_path / "a.png").shape
    assert (tmp_path / "b.png").stat().st_size <= slice_drawing.MOST_BYTES


def test_nothing_to_draw_is_still_a_picture(tmp_path):
    draw_sheet(tmp_path / "a.png", [], {}, "nothing")
    assert imread(tmp_path / "a.png").ndim == 3
