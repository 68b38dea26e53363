"""Scoring in bf16 against float32."""

import pytest
import torch

from tests.helpers.patch2loc import make_narrow, spread_locator
from uad_bench import Context
from uad_bench.testing import toy_scans
from uad_methods.patch2loc import Patch2Loc
from uad_methods.patch2loc.inference.bf16 import BF16Locator


@pytest.mark.parametrize(("patch", "narrow"), [(24, False), (8, True), (32, True)])
def test_bf16_is_close_and_matrix_layers_equal_convolutions(patch, narrow, monkeypatch):
    net = spread_locator(patch, narrow=narrow)
    x, height = torch.rand(16, 1, patch, patch), torch.rand(16) * 100
    with torch.no_grad():
        expected = net(x, height)[0]
    spread, rough = expected.std(), BF16Locator(net, patch)(x, height)[0]
    assert rough.dtype == torch.float32
    assert 0 < (rough - expected).abs().max() < 0.5 * spread
    monkeypatch.setattr("uad_methods.patch2loc.inference.bf16.DTYPE", torch.float32)
    torch.testing.assert_close(BF16Locator(net, patch)(x, height)[0], expected, atol=1e-4, rtol=1e-4)


def test_the_variant_scores_in_bf16(monkeypatch):
    make_narrow(monkeypatch)
    scans = toy_scans(2)
    exact = Patch2Loc(**Patch2Loc.tiny)
    exact.fit(scans, scans[:1], Context())
    rough = Patch2Loc(**{**Patch2Loc.tiny, **Patch2Loc.variants["bf16"]})
    rough.fit(scans, scans[:1], Context())
    first, second = (method.score(scans[0], Context()) for method in (exact, rough))
    brain = scans[0].brain_mask
    assert 0 < abs(first - second)[brain].mean() < 0.2 * first[brain].std()
