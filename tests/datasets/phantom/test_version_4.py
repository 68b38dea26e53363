"""Version 4 keeps its voxels: old runs, and the numbers of the leaderboard, come from them."""

import numpy as np
import pytest

from uad_datasets.phantom.generate import Recipe

#: Case and kind -> voxels of brain and lesion, and every 25,000th brain voxel of each modality, as first released.
VOXELS = {
    ("phantom-h000", ""): (
        201858, 0,
        {"t1": [676, 748, 622, 1140, 415, 691, 505, 472, 673],
         "t2": [701, 626, 672, 547, 725, 742, 661, 807, 609],
         "flair": [688, 497, 547, 386, 418, 432, 515, 493, 549]},
    ),
    ("phantom-ms-000", "ms"): (
        196445, 1284,
        {"t1": [608, 263, 346, 523, 221, 772, 496, 401],
         "t2": [553, 830, 703, 540, 979, 407, 518, 773],
         "flair": [869, 231, 549, 785, 262, 696, 779, 608]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("case_id", "kind"), VOXELS)
def test_version_4_has_the_voxels_that_it_had(case_id, kind):
    """One unit of tolerance: the last bits may depend on the processor and the version of numpy."""
    phantom = Recipe(4).make(case_id, kind)
    brain, lesion, values = VOXELS[case_id, kind]
    assert (phantom.brain_mask.sum(), phantom.lesion_mask.sum()) == (brain, lesion)
    for modality, expected in values.items():
        np.testing.assert_allclose(phantom.images[modality][phantom.brain_mask][::25000], expected, atol=1)


def test_folders_of_version_4_keep_their_name():
    assert Recipe(4).name == "v4-seed0"
