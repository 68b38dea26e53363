"""What methods show of themselves is what their scores are made of, to the number."""

import numpy as np
import pytest
import torch

from uad_bench import Context, Scan
from uad_bench.testing import toy_scans
from uad_methods.ae import AE
from uad_methods.atlas_z import AtlasZ
from uad_methods.dae import DAE
from uad_methods.fanogan import FAnoGAN
from uad_methods.patch2loc.components import score_components
from uad_methods.patch2loc.ensemble import Ensemble, Part
from uad_methods.patch2loc.method import Patch2Loc
from uad_methods.svae import SVAE
from uad_methods.vae import VAE


def fitted(cls, modalities=("t2",), shape=(16, 32, 8), **parameters):
    """The method, trained for a moment, and a scan that it has not seen."""
    scans = toy_scans(4, modalities, shape=shape)
    method = cls(**{**cls.tiny, **parameters})
    method.fit(scans[:2], scans[2:3], Context())
    return method, scans[3]


@pytest.mark.parametrize("cls", [AE, VAE, SVAE, DAE])
@pytest.mark.parametrize("modalities", [("t2",), ("t2", "t1")])
def test_the_score_is_the_distance_to_the_reconstruction(cls, modalities):
    method, scan = fitted(cls, modalities)
    found = method.components(scan, Context())
    one = len(modalities) == 1
    assert list(found) == (["reconstruction"] if one else ["reconstruction t2", "reconstruction t1"])
    assert {part.kind for part in found.values()} == {"intensity"}
    rebuilt = np.stack([part.values for part in found.values()])
    residual = np.abs(scan.image - rebuilt).mean(axis=0) * scan.brain_mask
    # Slices are held in half precision.
    np.testing.assert_allclose(residual, method.score(scan, Context()), atol=1e-3)
    assert rebuilt[:, scan.brain_mask].std() > 0


@pytest.mark.parametrize("modalities", [("t2",), ("t2", "t1")])
def test_a_z_score_is_a_distance_over_a_deviation(modalities):
    method, scan = fitted(AtlasZ, modalities)
    found = {name: part.values for name, part in method.components(scan, Context()).items()}
    names = [""] if len(modalities) == 1 else [" t2", " t1"]
    far = [found[f"distance{m}"] / np.maximum(found[f"healthy deviation{m}"], 1e-9) for m in names]
    known = scan.brain_mask & (method.scale_[0] > 0)
    score = method.score(scan, Context())
    np.testing.assert_allclose(np.mean(far, axis=0)[known], score[known], rtol=1e-5)
    gap = np.abs(scan.image - np.stack([found[f"healthy mean{m}"] for m in names]))
    np.testing.assert_allclose(gap, np.stack([found[f"distance{m}"] for m in names]), atol=1e-6)


def test_a_generated_neighbour_is_on_the_scale_of_the_scan():
    method, scan = fitted(FAnoGAN, shape=(32, 32, 8))  # the square of `tiny`, so nothing is resized
    rebuilt = method.components(scan, Context())["reconstruction"].values
    residual = np.abs(scan.image[0] - rebuilt) * scan.brain_mask
    np.testing.assert_allclose(residual, method.score(scan, Context()), atol=1e-3)


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
    # The error is the length of the shift in percent of each side.
    percent = 100 * found["predicted place"].values / np.reshape(scan.shape[:2], (2, 1, 1, 1))
    np.testing.assert_allclose(np.log((percent**2).sum(0) + 1e-10)[brain], error[brain], atol=1e-3)


class PointsAt:
    """Every patch to (50 %, 25 %), its log-variances 1 and 3."""

    belief = "diagonal"

    def __call__(self, x, height, dense=False):
        size = (x.shape[2] - 3) * (x.shape[3] - 3) if dense else 1
        return tuple(torch.tensor(row).expand(len(x) * size, 2) for row in ([50.0, 25.0], [1.0, 3.0]))


@pytest.mark.parametrize("slides", [False, True])
@pytest.mark.parametrize("flips", [False, True])
def test_a_place_is_where_the_network_points(slides, flips):
    images, where = torch.rand(2, 1, 10, 20), torch.zeros(2, 10, 20, dtype=torch.bool)
    where[:, 2:9, 3:12] = True
    ensemble = Ensemble([PointsAt()], [Part([0], 4)], "diagonal", slides, flips)
    found = score_components(ensemble, images, torch.tensor([10.0, 20.0]), where, (slice(2, 9), slice(3, 12)))
    x, y = torch.meshgrid(torch.arange(10.0), torch.arange(20.0), indexing="ij")
    expected = torch.stack([5 - x, 5 - y]) * where[:, None]
    torch.testing.assert_close(found["predicted place"], expected, atol=1e-4, rtol=0)
    assert (found["log variance"][where] == 2).all() and not found["log variance"][~where].any()


@pytest.mark.parametrize("cls", [AE, Patch2Loc])
def test_a_scan_without_brain_has_nothing_to_show(cls):
    method, scan = fitted(cls)
    none = np.zeros(scan.shape, bool)
    empty = Scan("empty", scan.modalities, scan.image, none, scan.affine, scan.spacing)
    assert method.components(empty, Context()) == {}
