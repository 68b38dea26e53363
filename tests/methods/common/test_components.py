"""Components of several methods reproduce their anomaly maps."""

import numpy as np
import pytest

from uad_bench import Context, Scan
from uad_bench.testing import toy_scans
from uad_methods.ae import AE
from uad_methods.atlas_z import AtlasZ
from uad_methods.dae import DAE
from uad_methods.fanogan import FAnoGAN
from uad_methods.patch2loc.method import Patch2Loc
from uad_methods.svae import SVAE
from uad_methods.vae import VAE


def fitted(cls, modalities=("t2",), shape=(16, 32, 8), **parameters):
    """The method after a short training, and a test scan."""
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
    # Slices are stored in half precision.
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


def test_a_generated_slice_is_on_the_scale_of_the_scan():
    method, scan = fitted(FAnoGAN, shape=(32, 32, 8))  # the side of `tiny`, so that nothing is resized
    rebuilt = method.components(scan, Context())["reconstruction"].values
    residual = np.abs(scan.image[0] - rebuilt) * scan.brain_mask
    np.testing.assert_allclose(residual, method.score(scan, Context()), atol=1e-3)


@pytest.mark.parametrize("cls", [AE, Patch2Loc])
def test_a_scan_without_brain_has_no_components(cls):
    method, scan = fitted(cls)
    none = np.zeros(scan.shape, bool)
    empty = Scan("empty", scan.modalities, scan.image, none, scan.affine, scan.spacing)
    assert method.components(empty, Context()) == {}
