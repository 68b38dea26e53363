"""Voxels of cases by lesion kind, and outside lesions."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers.component_cases import case_components
from uad_bench.figures.components.voxel_groups import displacements, joint_sample


@pytest.fixture(scope="module")
def cases():
    return [case_components("a"), case_components("$b_c$"), case_components("h12", lesion=False)]


def test_brain_voxels_are_grouped_by_lesion_kind(cases):
    found = joint_sample(cases)
    assert [quantity.label for quantity in found.quantities] == ["error (mm)", "copy"]
    assert len(found.outside) == 3 * 16 * 20 * 6 - 2 * 20 and set(found.lesions) == {"ms"}
    first = cases[0]
    expected = [first.components[n].values[first.case.lesion_mask] for n in ("error", "copy")]
    np.testing.assert_array_equal(found.lesion[:20], np.transpose(expected))


def test_a_single_component_is_shown_against_the_image_and_none_without_any():
    single = case_components(intensity=False)
    found = joint_sample([single])
    assert [quantity.name for quantity in found.quantities] == ["image", "error"]
    np.testing.assert_array_equal(found.lesion[:, 0], single.case.image[single.case.lesion_mask])
    assert joint_sample([replace(single, components={})]) is None
    assert displacements([case_components(shift=False)]) is None


def test_displacements_are_positions_and_displaced_positions():
    found = displacements([case_components()])
    x, y, _ = np.nonzero(case_components().case.lesion_mask)
    np.testing.assert_array_equal(found.lesion, np.stack([x, y, x + 4, y - 1], axis=1))
    assert (found.name, found.unit) == ("place", "voxels")
    assert displacements([case_components("h", lesion=False)]).lesion.shape == (0, 4)


def test_a_case_that_lacks_a_component_is_skipped(cases):
    bare = replace(cases[0], components={})
    assert len(joint_sample([bare, cases[1]]).outside) == 16 * 20 * 6 - 20
    assert len(displacements([bare, cases[1]]).outside) == 16 * 20 * 6 - 20
