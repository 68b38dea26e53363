"""Names of components per modality, and the reconstructed scan."""

import numpy as np
import pytest
import torch

from uad_bench import Context, TorchMethod
from uad_bench.testing import toy_scans
from uad_methods.parts.images.reconstruction import by_modality, reconstruction


@pytest.mark.parametrize(
    ("modalities", "names"), [(("t2",), ["error"]), (("t1", "t2"), ["error t1", "error t2"])]
)
def test_components_are_named_by_modality_if_there_are_several(modalities, names):
    (scan,) = toy_scans(1, modalities)
    found = by_modality("error", scan, scan.image)
    assert list(found) == names
    assert all(np.array_equal(part.values, scan.image[i]) for i, part in enumerate(found.values()))
    assert {part.kind for part in found.values()} == {"value"}


class Halves(TorchMethod):
    """Reconstructs half of each intensity."""

    def build(self):
        return torch.nn.Identity()


def test_the_reconstruction_is_on_the_scan_s_grid_and_zero_outside_the_brain():
    (scan,) = toy_scans(1, ("t1", "t2"))
    method = Halves()
    method.begin([scan], Context())
    found = reconstruction(method, scan, Context(), lambda batch: batch.image / 2)
    assert list(found) == ["reconstruction t1", "reconstruction t2"]
    for i, part in enumerate(found.values()):
        assert part.kind == "intensity"
        np.testing.assert_allclose(part.values, scan.image[i] / 2 * scan.brain_mask, atol=1e-3)
