"""Pictures of components: what is drawn where, on which scale, and from which voxels."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.quiver import Quiver
from scipy.stats import gaussian_kde

from uad_bench.figures.components import density, displacements, voxel_groups
from uad_bench.figures.components import sheet as component_sheet
from uad_bench.figures.components.sheet import MAP, Opened, columns_of, draw_inside, sheet
from uad_bench.figures.slices import Panel, robust_range
from uad_bench.types import Component

SHAPE = (20, 24, 6)


def opened(name="a", *, lesion=True, shift=True, several=True):
    rng = np.random.default_rng(len(name))
    brain, mask = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    brain[2:18, 2:22] = True
    mask[4:8, 4:9, 3] = lesion
    image = rng.random(SHAPE).astype(np.float32)
    panel = Panel(name, "ms" if lesion else "healthy", image, image + mask, brain, mask, (2.0, 2.0, 2.0))
    parts = {"error": Component((5 * image + mask).astype(np.float32), unit="mm")}
    if several:
        parts["copy"] = Component(0.5 * image, "intensity")
    if shift:
        parts["place"] = Component(np.stack([3.0 + mask, 0.0 - mask]).astype(np.float32), "shift")
    return Opened(panel, parts)


@pytest.fixture(scope="module")
def cases():
    return [opened("a"), opened("$b_c$"), opened("h12", lesion=False)]


def rows(figure, columns):
    displacements = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    return np.reshape(displacements, (-1, columns))


def test_columns_are_image_lesion_components_and_map_with_a_bar_each(cases):
    figure = sheet(cases, "title")
    drawn = rows(figure, 6)
    assert [axes.get_title() for axes in drawn[0]] == ["image", "lesion", "error", "copy", "place", MAP]
    bars = [axes.get_xlabel() for axes in figure.axes if axes.get_label() == "<colorbar>"]
    assert bars == ["mm", "as the image", "voxels", "arbitrary units"]


def test_each_column_has_one_scale_and_an_intensity_that_of_the_images(cases):
    columns = {column.name: column for column in columns_of(cases)}
    brains = [(case.panel.brain_mask, case) for case in cases]
    assert columns["error"].window == robust_range([c.parts["error"].values[b] for b, c in brains])
    assert columns["copy"].window == robust_range([c.panel.image[b] for b, c in brains])
    assert columns["place"].window[0] == 0
    drawn = rows(sheet(cases, "t"), 6)
    assert len({axes.get_images()[0].get_clim() for axes in drawn[:, 2]}) == 1


def test_a_component_is_shown_in_the_slice_of_the_lesion_and_nowhere_outside_the_brain(cases):
    shown = rows(sheet(cases, "t"), 6)[0, 2].get_images()[0].get_array()
    wanted = cases[0].parts["error"].values[:, :, 3].T
    inside_brain = ~np.ma.getmaskarray(np.ma.masked_invalid(shown))
    assert inside_brain.sum() == 16 * 20
    np.testing.assert_array_equal(np.asarray(shown)[inside_brain].reshape(20, 16), wanted[2:22, 2:18])


def test_arrows_lead_from_a_voxel_to_its_other_place(cases):
    (arrows,) = [found for found in rows(sheet(cases, "t"), 6)[2, 4].collections if isinstance(found, Quiver)]
    assert arrows.scale == 1 and arrows.angles == "xy" and arrows.scale_units == "xy"
    assert set(arrows.U) == {3.0} and set(arrows.V) == {0.0} and arrows.N > 20


def test_a_case_without_a_component_of_the_others_says_none(cases):
    bare = replace(cases[0], parts={})
    texts = [text.get_text() for text in rows(sheet([cases[0], bare], "t"), 6)[1, 2].texts]
    assert texts == ["none"]


def test_equal_cases_give_equal_bytes(cases, tmp_path):
    for name in ("a.png", "b.png"):
        draw_inside(tmp_path / name, cases, "glass, $x$ \u202e")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.png"]
    assert imread(tmp_path / "a.png").std() > 0.05


def test_voxels_are_apart_by_lesion_and_kind_and_no_voxel_outside_the_brain_counts(cases):
    found = voxel_groups.cloud(cases)
    assert [axis.words for axis in found.axes] == ["error (mm)", "copy"]
    assert len(found.others) == 3 * 16 * 20 * 6 - 2 * 20 and set(found.lesions) == {"ms"}
    first = cases[0]
    wanted = [first.parts[n].values[first.panel.lesion_mask] for n in ("error", "copy")]
    np.testing.assert_array_equal(found.lesion[:20], np.transpose(wanted))


def test_the_only_component_stands_against_the_image_and_none_against_nothing():
    alone = opened(several=False)
    found = voxel_groups.cloud([alone])
    assert [axis.name for axis in found.axes] == ["image", "error"]
    np.testing.assert_array_equal(found.lesion[:, 0], alone.panel.image[alone.panel.lesion_mask])
    assert voxel_groups.cloud([replace(alone, parts={})]) is None
    assert voxel_groups.places([opened(shift=False)]) is None


def test_places_are_where_the_voxel_is_and_where_it_is_shifted_to():
    found = voxel_groups.places([opened()])
    x, y, _ = np.nonzero(opened().panel.lesion_mask)
    np.testing.assert_array_equal(found.lesion, np.stack([x, y, x + 4, y - 1], axis=1))
    healthy = voxel_groups.places([opened("h", lesion=False)])
    assert healthy.lesion.shape == (0, 4)


def test_a_marginal_is_the_kernel_estimate_of_a_reference():
    values = np.random.default_rng(1).normal(3, 2, 500)
    shown = density.span([values])
    width = (shown[1] - shown[0]) / density.BINS
    reference = gaussian_kde(values, "scott")(density.centres(shown)) * width
    found = density.marginal(values, shown)
    assert np.abs(found - reference)[10:-10].max() < 0.02 * reference.max()


def test_a_joint_density_is_the_kernel_estimate_of_a_reference():
    rng = np.random.default_rng(2)
    values = rng.normal((0, 10), (1, 5), (4000, 2))
    spans = density.span([values[:, 0]]), density.span([values[:, 1]])
    at = np.stack(np.meshgrid(*map(density.centres, spans), indexing="ij")).reshape(2, -1)[:, ::37]
    area = np.prod([(s[1] - s[0]) / density.BINS for s in spans])
    reference = gaussian_kde(values.T, "scott")(at) * area
    found = density.joint(values, spans).reshape(-1)[::37]
    assert np.abs(found - reference).max() < 0.05 * reference.max()


def test_lines_enclose_their_share():
    found = density.joint(np.random.default_rng(3).normal(size=(3000, 2)), ((-6, 6), (-6, 6)))
    for share, level in zip((0.95, 0.8, 0.5), density.enclosing(found, (0.95, 0.8, 0.5)), strict=True):
        assert found[found >= level].sum() == pytest.approx(share * found.sum(), abs=0.01)
    assert density.enclosing(np.zeros((4, 4)), (0.5,)) == [0.0]


@pytest.mark.parametrize("values", [np.zeros((50, 2)), np.zeros((0, 2)), np.ones((3, 2))])
def test_constant_few_and_no_voxels_are_still_a_picture(values, tmp_path):
    axes = density.Axis("a"), density.Axis("b")
    some = np.random.default_rng(0).normal(size=(100, 2))
    for name, others in (("a.png", some), ("b.png", values)):
        density.draw_density(tmp_path / name, density.Cloud(axes, others, {"x": values}), "t")
        four = np.concatenate([others, others], axis=1)
        shift = displacements.Places("there", "voxels", four, np.concatenate([values, values], axis=1))
        displacements.draw_places(tmp_path / name, shift, "t")
        assert imread(tmp_path / name).ndim == 3


def test_the_medians_of_several_kinds_are_marked_and_told():
    axes = density.Axis("a"), density.Axis("b")
    some = np.random.default_rng(0).normal(size=(100, 2))
    cloud = density.Cloud(axes, some, {"ms": some + 1, "tumour": some + 3})
    figure = density.density(cloud, "t")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "brain outside lesions: 100 voxels",
        "lesion: 200 voxels",
        "median of ms",
        "median of tumour",
    ]
    marks = [line for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    np.testing.assert_allclose([*marks[1].get_data()], np.median(some + 3, axis=0)[:, None])


def test_sizes_of_shifts_are_lengths():
    part = Component(np.stack([np.full(SHAPE, 3.0), np.full(SHAPE, 4.0)]), "shift")
    assert (component_sheet.size(part) == 5).all()
