"""Methods on features of a ResNet: weights that must be given, and variants without."""

import pytest

from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_methods.patchcore import PatchCore
from uad_methods.rd4ad import RD4AD

METHODS = pytest.mark.parametrize(("name", "method"), [("patchcore", PatchCore), ("rd4ad", RD4AD)])


@METHODS
def test_the_paper_s_method_is_refused_without_weights(name, method):
    with pytest.raises(UsageError, match=f"{name}:self or {name}:random") as refusal:
        method()
    assert "\n" not in str(refusal.value)
    assert [variant(method(extractor=one)) for one in ("self", "random")] == ["self", "random"]


@METHODS
def test_only_the_method_with_given_weights_is_in_the_track_of_features(name, method):
    assert method(weights="w.pth").learns_from() == "features"
    assert method(extractor="self").learns_from() == "healthy"
