"""F55 to F58: maps that metrics must refuse or warn about."""

import logging

import numpy as np
import pytest
import torch

from uad_bench import Scan
from uad_bench.errors import PluginError
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.method.guard import checked_map

SHAPE = (6, 7, 5)
BRAIN = np.ones(SHAPE, bool)
BRAIN[0] = False


@pytest.fixture
def scan():
    return Scan("case-1", ("t2",), np.ones((1, *SHAPE), np.float32), BRAIN.copy(), np.eye(4), (2.0, 2.0, 2.0))


@pytest.mark.parametrize("shape", [SHAPE[:2], (*SHAPE, 1), (1, *SHAPE), SHAPE[::-1], ()])
def test_f55_a_map_of_another_shape_is_never_broadcast(scan, shape):
    with pytest.raises(PluginError, match="shape") as caught:
        checked_map(np.zeros(shape), scan, "mine")
    assert (caught.value.exit_code, caught.value.where) == (4, "case-1")
    assert "'mine'" in str(caught.value) and str(SHAPE) in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_f56_nan_and_infinity_in_the_brain_are_counted_and_refused(scan, bad):
    values = np.zeros(SHAPE)
    values[0] = bad  # outside the brain, where nobody looks
    assert not checked_map(values, scan, "mine").any()
    values[3, 3, :2] = bad
    with pytest.raises(PluginError, match="2 voxels that are NaN or infinite") as caught:
        checked_map(values, scan, "mine")
    assert (caught.value.exit_code, caught.value.where) == (4, "case-1")


def test_f57_a_constant_map_is_warned_of_and_gets_the_prevalence(scan, caplog):
    with caplog.at_level(logging.WARNING, "uad_bench"):
        values = checked_map(np.full(SHAPE, 3), scan, "mine")
    assert "is constant (3)" in caplog.text and "case-1" in caplog.text
    lesion = np.zeros(SHAPE, bool)
    lesion[2, 2] = True
    curve = Curve.of(values[BRAIN], lesion[BRAIN])
    assert (curve.ap(), curve.auroc()) == (pytest.approx(5 / BRAIN.sum()), 0.5)


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.int64, np.uint8, np.bool_])
def test_f58_any_width_of_number_keeps_its_ranks(scan, kind):
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(kind)
    found = checked_map(values, scan, "mine")
    assert found.dtype == np.float32
    assert np.array_equal(np.argsort(found[BRAIN], kind="stable"), np.argsort(values[BRAIN], kind="stable"))


@pytest.mark.parametrize("scale", [-1e38, 1e38, 1e-40, -1.0])
def test_f58_huge_subnormal_and_negative_scores_are_accepted_in_silence(scan, scale, caplog):
    values = scale * np.linspace(0.1, 1, int(np.prod(SHAPE))).reshape(SHAPE)
    found = checked_map(torch.tensor(values, requires_grad=True), scan, "mine")
    order = np.argsort(values[BRAIN], kind="stable")
    assert (np.diff(found[BRAIN][order]) >= 0).all() and np.unique(found[BRAIN]).size > 150
    assert not caplog.text


def test_f58_scores_that_differ_only_in_64_bits_are_a_warning(scan, caplog):
    values = 1e9 + np.random.default_rng(0).random(SHAPE)
    with caplog.at_level(logging.WARNING, "uad_bench"):
        checked_map(values, scan, "mine")
    assert "become equal in float32" in caplog.text
