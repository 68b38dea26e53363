"""Sheet of components: columns, scales, slices, arrows."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.quiver import Quiver

from tests.helpers.case_images import SHAPE
from tests.helpers.component_cases import case_components
from uad_bench.figures.components.sheet import (
    MAP,
    component_sheet,
    draw_component_sheet,
    magnitude,
    sheet_columns,
)
from uad_bench.figures.slices import robust_range
from uad_bench.types import Component


@pytest.fixture(scope="module")
def cases():
    return [case_components("a"), case_components("$b_c$"), case_components("h12", lesion=False)]


def rows(figure, columns):
    shown = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    return np.reshape(shown, (-1, columns))


def test_columns_are_image_lesion_components_and_map_with_a_colour_bar_each(cases):
    figure = component_sheet(cases, "title")
    assert [axes.get_title() for axes in rows(figure, 6)[0]] == [
        "image",
        "lesion",
        "error",
        "copy",
        "place",
        MAP,
    ]
    bars = [axes.get_xlabel() for axes in figure.axes if axes.get_label() == "<colorbar>"]
    assert bars == ["mm", "as the image", "voxels", "arbitrary units"]


def test_each_column_has_one_scale_and_an_intensity_that_of_the_images(cases):
    columns = {column.name: column for column in sheet_columns(cases)}
    brains = [(one.case.brain_mask, one) for one in cases]
    assert columns["error"].window == robust_range([one.components["error"].values[b] for b, one in brains])
    assert columns["copy"].window == robust_range([one.case.image[b] for b, one in brains])
    assert columns["place"].window[0] == 0
    drawn = rows(component_sheet(cases, "t"), 6)
    assert len({axes.get_images()[0].get_clim() for axes in drawn[:, 2]}) == 1


def test_a_component_is_shown_in_the_slice_of_the_lesion_inside_the_brain(cases):
    shown = rows(component_sheet(cases, "t"), 6)[0, 2].get_images()[0].get_array()
    expected = cases[0].components["error"].values[:, :, 3].T
    inside_brain = ~np.ma.getmaskarray(np.ma.masked_invalid(shown))
    assert inside_brain.sum() == 16 * 20
    np.testing.assert_array_equal(np.asarray(shown)[inside_brain].reshape(20, 16), expected[2:22, 2:18])


def test_arrows_lead_from_a_voxel_to_its_displaced_position(cases):
    found = rows(component_sheet(cases, "t"), 6)[2, 4].collections
    (arrows,) = [collection for collection in found if isinstance(collection, Quiver)]
    assert arrows.scale == 1 and arrows.angles == "xy" and arrows.scale_units == "xy"
    assert set(arrows.U) == {3.0} and set(arrows.V) == {0.0} and arrows.N > 20


def test_a_case_that_lacks_a_component_shows_none(cases):
    bare = replace(cases[0], components={})
    texts = [text.get_text() for text in rows(component_sheet([cases[0], bare], "t"), 6)[1, 2].texts]
    assert texts == ["none"]


def test_equal_cases_give_equal_bytes(cases, tmp_path):
    for name in ("a.png", "b.png"):
        draw_component_sheet(tmp_path / name, cases, "glass, $x$ \u202e")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert imread(tmp_path / "a.png").std() > 0.05


def test_the_magnitude_of_a_displacement_is_its_length():
    component = Component(np.stack([np.full(SHAPE, 3.0), np.full(SHAPE, 4.0)]), "shift")
    assert (magnitude(component) == 5).all()


def test_long_names_of_cases_and_lesion_kinds_are_folded_and_never_cut(cases):
    case = replace(
        cases[0].case, case_id="sub-0123456789_ses-20200101_run-02", label="white-matter-hyperintensity"
    )
    figure = component_sheet([replace(cases[0], case=case)], "title")
    label = rows(figure, 6)[0, 0].get_ylabel().replace("\n", "").replace(" ", "")
    assert label == f"{case.case_id}{case.label},z=3"
