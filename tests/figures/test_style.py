"""Common style of plots."""

import pytest

from tests.helpers import handmade
from uad_bench.figures.style import GREY, file_stem, folded, plot_style, row_styles, single_plot


def test_a_method_has_the_same_style_in_all_plots_and_no_other_has_it():
    assert len({plot_style(index) for index in range(84)}) == 84
    found = row_styles(handmade.table())
    assert found["patch2loc:conv"] == plot_style(0)
    assert {style.color for label, style in found.items() if label in {"random", "atlas-z"}} == {GREY}
    assert len({(style.marker, style.linestyle, style.color) for style in found.values()}) == len(found)


@pytest.mark.parametrize(
    ("name", "stem"), [("../x", "x"), ("a|b", "a-b"), ("", "x"), ("..", "x"), ("é", "x"), ("a.b-1", "a.b-1")]
)
def test_a_file_name_has_plain_characters_only(name, stem):
    assert file_stem(name) == stem


def test_i6_long_names_are_folded_and_never_cut_and_invisible_characters_are_shown():
    name = "ddpm:anoddpm [noise=simplex, steps=1000, start=0.25] (version 1)"
    lines = folded(name, 20).split("\n")
    assert max(map(len, lines)) <= 20 and " ".join(lines).replace(" ", "") == name.replace(" ", "")
    assert folded("x" * 25, 10).split("\n") == ["x" * 10, "x" * 10, "x" * 5]
    assert folded("a\u202eb") == "a\\u202eb"


def test_a_plot_has_the_title_of_its_table():
    figure, axes = single_plot(4, 3, handmade.table(), "second line")
    assert figure.get_suptitle() == "Tested on mslub, trained on ixi, protocol uad-1mm\nsecond line"
    assert tuple(figure.get_size_inches()) == (4, 3) and figure.axes == [axes]
    assert single_plot(4, 3, None, "only")[0].get_suptitle() == "only"
