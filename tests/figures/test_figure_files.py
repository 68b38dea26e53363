"""Files of figures: equal bytes, size limits, no influence of the user's settings."""

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.image import imread

from uad_bench.figures import figure_files
from uad_bench.figures.figure_files import figure_bytes, write_png, write_png_and_svg


def noise(title="a"):
    figure = Figure(figsize=(3, 2))
    axes = figure.add_subplot()
    axes.imshow(np.random.default_rng(0).random((40, 60)))
    axes.set_title(title)
    return figure


def test_a_png_has_the_size_of_the_figure_and_no_date_or_version(tmp_path):
    write_png(tmp_path / "a.png", noise, dpis=(50,))
    data = (tmp_path / "a.png").read_bytes()
    assert imread(tmp_path / "a.png").shape == (100, 150, 4)
    assert b"Software" not in data and b"matplotlib" not in data


def test_equal_figures_give_equal_bytes_whatever_the_settings_and_the_time_zone(tmp_path, monkeypatch):
    def write(name):
        write_png(tmp_path / f"{name}.png", noise)
        return [
            path.read_bytes()
            for path in (tmp_path / f"{name}.png", *write_png_and_svg(tmp_path / name, noise))
        ]

    first = write("one")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 20}):
        second = write("two")
    assert first == second


def test_a_png_above_the_limit_has_a_lower_resolution(tmp_path, monkeypatch):
    write_png(tmp_path / "a.png", noise)
    limit = (tmp_path / "a.png").stat().st_size - 1
    write_png(tmp_path / "b.png", noise, max_bytes=limit)
    monkeypatch.setattr(figure_files, "MAX_BYTES", limit)
    write_png(tmp_path / "c.png", noise)
    assert imread(tmp_path / "a.png").shape[:2] == (220, 330)
    assert imread(tmp_path / "b.png").shape[:2] == imread(tmp_path / "c.png").shape[:2] == (180, 270)
    assert (tmp_path / "b.png").stat().st_size <= limit


def test_the_lowest_resolution_is_used_where_no_resolution_meets_the_limit(tmp_path):
    write_png(tmp_path / "a.png", noise, max_bytes=1)
    assert imread(tmp_path / "a.png").shape[:2] == (120, 180)


def test_text_is_never_interpreted_as_a_formula(tmp_path):
    (_, svg) = write_png_and_svg(tmp_path / "a", lambda: noise("$\\frac{a"))
    assert svg.name == "a.svg" and "<svg" in svg.read_text()


def test_no_figure_is_no_file(tmp_path):
    assert write_png_and_svg(tmp_path / "a.b", lambda: None) == [] and not list(tmp_path.iterdir())
    files = write_png_and_svg(tmp_path / "a.b", noise)
    assert [path.name for path in files] == ["a.b.png", "a.b.svg"]


@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_both_formats(form, start):
    assert figure_bytes(noise(), form, 50).startswith(start)
