"""Components of Patch2Loc reproduce its anomaly map."""

import numpy as np
import pytest
import torch

from uad_bench import Context
from uad_bench.testing import toy_scans
from uad_methods.patch2loc.components import score_components
from uad_methods.patch2loc.ensemble import Ensemble, Part
from uad_methods.patch2loc.method import Patch2Loc


def fitted(cls, modalities=("t2",), shape=(16, 32, 8), **parameters):
    """The method after a short training, and a test scan."""
    scans = toy_scans(4, modalities, shape=shape)
    method = cls(**{**cls.tiny, **parameters})
    method.fit(scans[:2], scans[2:3], Context())
    return method, scans[3]


@pytest.mark.parametrize("network", ["resnet", "conv"])
def test_error_and_variance_add_up_to_the_score(network):
    method, scan = fitted(Patch2Loc, network=network)
    found = method.components(scan, Context())
    assert list(found) == ["log error", "log variance", "predicted place"]
    error, variance = (found[name].values for name in ("log error", "log variance"))
    brain, score = scan.brain_mask, method.score(scan, Context())
    np.testing.assert_allclose((error + variance)[brain], score[brain], atol=1e-4)
    assert error[brain].std() > 0 and variance[brain].std() > 0
    assert not error[~brain].any()
    # The error is the length of the displacement in percent of each side.
    percent = 100 * found["predicted place"].values / np.reshape(scan.shape[:2], (2, 1, 1, 1))
    np.testing.assert_allclose(np.log((percent**2).sum(0) + 1e-10)[brain], error[brain], atol=1e-3)


class PointsAt:
    """Predicts (50 %, 25 %) with log-variances 1 and 3 for every patch."""

    belief = "diagonal"

    def __call__(self, x, height, dense=False):
        size = (x.shape[2] - 3) * (x.shape[3] - 3) if dense else 1
        return tuple(torch.tensor(row).expand(len(x) * size, 2) for row in ([50.0, 25.0], [1.0, 3.0]))


@pytest.mark.parametrize("slides", [False, True])
@pytest.mark.parametrize("flips", [False, True])
def test_displacement_leads_to_the_predicted_location(slides, flips):
    images, where = torch.rand(2, 1, 10, 20), torch.zeros(2, 10, 20, dtype=torch.bool)
    where[:, 2:9, 3:12] = True
    ensemble = Ensemble([PointsAt()], [Part(range(1), 4)], "diagonal", slides, flips)
    found = score_components(ensemble, images, torch.tensor([10.0, 20.0]), where, (slice(2, 9), slice(3, 12)))
    x, y = torch.meshgrid(torch.arange(10.0), torch.arange(20.0), indexing="ij")
    expected = torch.stack([5 - x, 5 - y]) * where[:, None]
    torch.testing.assert_close(found["predicted place"], expected, atol=1e-4, rtol=0)
    assert (found["log variance"][where] == 2).all() and not found["log variance"][~where].any()
