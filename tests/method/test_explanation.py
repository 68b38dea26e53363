"""Components of a map are converted to float32 volumes, or refused with the name of the method."""

import numpy as np
import pytest
import torch

from uad_bench import Component, Context, Method
from uad_bench.errors import PluginError
from uad_bench.method.explanation import checked_components, explain_scan
from uad_bench.testing import toy_scans


@pytest.fixture(scope="module")
def scan():
    return toy_scans(1)[0]


def test_the_default_shows_nothing(scan):
    assert explain_scan(Method(), scan, Context(), "m") == {}


def test_bare_arrays_tensors_and_shifts_become_float32_components_in_their_order(scan):
    x, y, z = scan.shape
    given = {
        "b": np.ones(scan.shape, np.float64),
        "a": torch.ones(scan.shape, dtype=torch.bfloat16),
        "to": Component(np.ones((2, x, y, z), np.int8), "shift", "voxels"),
    }
    found = checked_components(given, scan, "m")
    assert list(found) == ["b", "a", "to"]
    assert [part.kind for part in found.values()] == ["value", "value", "shift"]
    assert found["to"].unit == "voxels"
    for part in found.values():
        assert part.values.dtype == np.float32
        assert (part.values[..., scan.brain_mask] == 1).all()
        assert not part.values[..., ~scan.brain_mask].any()


def test_what_was_given_is_not_written_into(scan):
    given = np.ones(scan.shape, np.float32)
    checked_components({"a": given}, scan, "m")
    assert (given == 1).all()


def test_what_is_not_finite_outside_the_brain_does_not_matter(scan):
    values = np.where(scan.brain_mask, 1.0, np.nan)
    assert np.isfinite(checked_components({"a": values}, scan, "m")["a"].values).all()


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (lambda s: [np.ones(s)], "UB405", "list"),
        (lambda s: {3: np.ones(s)}, "UB405", "component 3"),
        (lambda s: {"": np.ones(s)}, "UB405", "component ''"),
        (lambda s: {"a\nb": np.ones(s)}, "UB405", "printable"),
        (lambda s: {"a": np.ones(s[:2])}, "UB403", "expected"),
        (lambda s: {"a": Component(np.ones(s), "shift")}, "UB403", "shift"),
        (lambda s: {"a": Component(np.ones(s), "colour")}, "UB403", "kinds are value, intensity, shift"),
        (lambda s: {"a": ["x", "y"]}, "UB403", "not a volume"),
        (lambda s: {"a": np.full(s, np.inf)}, "UB404", "NaN or infinite"),
        (lambda s: {"a": np.full(s, 1e300)}, "UB404", "NaN or infinite"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_what_cannot_be_drawn_is_refused_with_the_method_in_the_message(scan, make, code, words):
    with pytest.raises(PluginError, match=words) as caught:
        checked_components(make(scan.shape), scan, "glass")
    assert caught.value.code == code and "glass" in str(caught.value)


def test_a_stray_exception_is_one_of_the_plug_in(scan):
    class Falls(Method):
        def components(self, scan, ctx):
            raise KeyError("no components")

    with pytest.raises(PluginError, match="case toy-000"):
        explain_scan(Falls(), scan, Context(), "falls")
