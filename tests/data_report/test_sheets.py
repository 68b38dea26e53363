"""A sheet of prepared cases, inspected through its axes and its pixels."""

import gc
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import AxesImage, imread

from uad_bench.data_report.sheets import (
    ATLAS,
    BRAIN,
    HEAD,
    LESION,
    ROW,
    WIDTH,
    Histogram,
    SheetRow,
    _sheet,
    draw_sheet,
    slice_index,
)

SHAPE = (20, 24, 16)


@pytest.fixture
def row():
    brain, lesion, atlas = (np.zeros(SHAPE, bool) for _ in range(3))
    brain[3:17, 4:20, 2:14] = True
    atlas[2:18, 3:21, 1:15] = True
    lesion[5:8, 12:16, 9:11] = True
    image = np.where(brain, np.random.default_rng(0).random(SHAPE), 0).astype(np.float32)
    shown = Histogram.of(image[brain], 0, 1)
    return SheetRow(
        ("1. $a_b$", "dice 0.95"), ("a warning",), image, brain, lesion, atlas, (2.0, 2.0, 3.0), shown,
        shown, 0.5,
    )  # fmt: skip


@pytest.fixture
def drawn(monkeypatch):
    """drawn(path, row, ...) -> what the figure contained when it was saved."""

    def draw(path, *rows):
        kept = {}

        def record(figure, data, *_, **__):
            kept["colours"] = [
                [to_hex(c.get_edgecolor()[0]) for c in axes.collections]
                for axes in figure.axes
                if axes.images
            ]
            kept["images"] = [axes.images[0].get_array().copy() for axes in figure.axes if axes.images]
            kept["aspects"] = [axes.get_aspect() for axes in figure.axes if axes.images]
            kept["texts"] = [t.get_text() for axes in figure.axes for t in axes.texts]
            kept["texts"] += [t.get_text() for t in figure.texts]

        monkeypatch.setattr(Figure, "savefig", record)
        draw_sheet(path, rows, len(rows), "toy $x$")
        return kept

    return draw


def test_three_planes_go_through_most_lesion_voxels(drawn, row, tmp_path):
    found = drawn(tmp_path / "a.png", row)
    x, y, z = (slice_index(row, axis) for axis in (0, 1, 2))
    assert (x, y, z) == (5, 12, 9)
    for shown, plane in zip(
        found["images"], (row.image[:, :, z], row.image[:, y], row.image[x]), strict=True
    ):
        assert np.array_equal(shown, plane.T)
    assert found["aspects"] == [1.0, 1.5, 1.5]


def test_without_a_lesion_they_go_through_the_centre_of_the_brain(row):
    healthy = replace(row, lesion_mask=None)
    assert [slice_index(healthy, axis) for axis in (0, 1, 2)] == [
        10,
        12,
        8,
    ]  # of 3..16, 4..19, 2..13, to even


def test_atlas_brain_and_lesion_are_outlined(drawn, row, tmp_path):
    assert drawn(tmp_path / "a.png", row)["colours"] == [[ATLAS, BRAIN, LESION]] * 3
    plain = replace(row, lesion_mask=None, atlas_mask=None)
    assert drawn(tmp_path / "a.png", plain)["colours"] == [[BRAIN]] * 3


def test_measures_warnings_and_sides_are_written_as_plain_text(drawn, row, tmp_path):
    found = drawn(tmp_path / "a.png", replace(row, lines=("1. $a_b$ \u202e", "dice 0.95")))
    assert {"1. $a_b$ \\u202e", "dice 0.95", "! a warning", "L", "R", "P", "A"} <= set(found["texts"])
    assert {"toy $x$", "brain mask", "lesion mask", "atlas"} <= set(found["texts"])


def test_more_warnings_than_fit_are_counted(drawn, row, tmp_path):
    many = replace(row, warnings=tuple(f"warning {i}" for i in range(30)))
    shown = [text for text in drawn(tmp_path / "a.png", many)["texts"] if text.startswith("!")]
    assert len(shown) < 12 and shown[0] == "! warning 0"
    assert shown[-1] == f"! and {30 - len(shown) + 1} more lines"


def test_a_histogram_has_shares_that_include_every_finite_voxel():
    values = np.array([0.0, 0.1, 0.9, 5.0, -3.0, np.nan])
    shown = Histogram.of(values, 0, 1)
    assert sum(shown.shares) == pytest.approx(1)
    assert (shown.shares[0], shown.shares[-1]) == pytest.approx((0.4, 0.2))
    assert sum(Histogram.of(np.empty(0), 0, 1).shares) == 0


def test_equal_rows_give_equal_bytes_of_the_returned_size(row, tmp_path):
    sizes = [draw_sheet(tmp_path / name, iter([row, row]), 2, "toy") for name in ("a.png", "b.png")]
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    pixels = imread(tmp_path / "a.png")
    assert sizes[0] == (pixels.shape[1], pixels.shape[0])
    assert pixels[..., :3].std() > 0.05


def test_an_unreadable_file_and_an_empty_brain_mask_are_shown_as_such(drawn, row, tmp_path):
    nothing = np.zeros(SHAPE, bool)
    found = drawn(tmp_path / "a.png", replace(row, before=None, brain_mask=nothing, lesion_mask=nothing))
    assert "cannot be read" in found["texts"]
    assert found["colours"] == [[ATLAS]] * 3
    assert np.array_equal(found["images"][0], row.image[:, :, SHAPE[2] // 2].T)


def test_a_figure_is_freed_after_its_sheet_is_written(row, tmp_path):
    gc.collect()
    gc.disable()
    try:
        draw_sheet(tmp_path / "a.png", [row], 1, "toy")
        assert not [o for o in gc.get_objects() if isinstance(o, AxesImage)]
    finally:
        gc.enable()


def test_a_long_heading_is_smaller_and_not_cut(row):
    figure = _sheet((WIDTH, HEAD + ROW), [replace(row, lines=(f"1. {'sub-0123456789_' * 7}, t2",))], "toy")
    figure.draw_without_rendering()
    assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in figure.texts)
