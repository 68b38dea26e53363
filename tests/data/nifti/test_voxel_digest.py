import numpy as np

from uad_bench.data.nifti.voxel_digest import affine_digest, voxel_digest


def test_equal_values_of_another_shape_have_another_digest():
    zeros = np.zeros((2, 3, 4), np.float32)
    assert voxel_digest(zeros) != voxel_digest(zeros.reshape(4, 3, 2))
    assert voxel_digest(zeros) == voxel_digest(np.asfortranarray(zeros))


def test_the_digest_depends_on_values_and_not_on_their_type():
    array = np.arange(24).reshape(2, 3, 4)
    assert voxel_digest(array.astype(np.float64)) == voxel_digest(array.astype(np.float32))
    assert voxel_digest(array) != voxel_digest(array + 1)


def test_the_digest_of_an_affine_has_16_digits_and_follows_every_entry():
    affine = np.eye(4)
    digests = {affine_digest(affine)}
    for index in np.ndindex(3, 4):
        changed = affine.copy()
        changed[index] += 1e-6
        digests.add(affine_digest(changed))
    assert {len(digest) for digest in digests} == {16} and len(digests) == 13
