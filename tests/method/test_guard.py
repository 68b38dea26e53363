"""Maps that are accepted or refused, and global settings that are restored after a call."""

import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from uad_bench.errors import PluginError
from uad_bench.method.guard import checked_map, guarded
from uad_bench.types import Scan


@pytest.fixture
def scan():
    brain = np.zeros((3, 4, 5), bool)
    brain[1:, 1:, 1:] = True
    return Scan("case", ("t2",), np.zeros((1, 3, 4, 5), np.float32), brain, np.eye(4), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("answer", [np.ones((3, 4)), np.ones((1, 3, 4, 5)), None, "map", [1, [2]]])
def test_another_shape_is_refused_with_the_methods_name(scan, answer):
    with pytest.raises(PluginError, match="'mine'") as caught:
        checked_map(answer, scan, "mine")
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_not_finite_in_the_brain_is_refused_and_outside_is_not(scan, bad):
    values = np.ones((3, 4, 5))
    values[0] = bad
    assert checked_map(values, scan, "mine")[0].sum() == 0
    values[2, 2, 2] = bad
    with pytest.raises(PluginError, match="1 voxels"):
        checked_map(values, scan, "mine")


@pytest.mark.parametrize(
    "answer",
    [
        torch.ones(3, 4, 5, requires_grad=True),
        np.ones((3, 4, 5), bool),
        np.ones((5, 4, 3)).T,
        torch.ones(3, 4, 5, dtype=torch.int64),
    ],
)
def test_f59_tensors_bools_and_other_strides_are_accepted(scan, answer):
    found = checked_map(answer, scan, "mine")
    assert found.dtype == np.float32 and found[scan.brain_mask].min() == 1


@pytest.mark.parametrize(
    "answer",
    [
        np.ones((3, 4, 5), complex),
        torch.ones(3, 4, 5, dtype=torch.complex64),
        np.full((3, 4, 5), "1"),
        np.full((3, 4, 5), 1, object),
    ],
)
def test_what_would_be_cast_to_numbers_with_a_loss_is_refused(scan, answer):
    with pytest.raises(PluginError, match="not a map of real numbers") as caught:
        checked_map(answer, scan, "mine")
    assert caught.value.code == "UB403"


def test_masked_voxels_in_the_brain_have_no_score(scan):
    values = np.ma.ones((3, 4, 5))
    values[0] = np.ma.masked
    assert checked_map(values, scan, "mine")[2, 2, 2] == 1
    values[2, 2, 2] = np.ma.masked
    with pytest.raises(PluginError, match="1 voxels"):
        checked_map(values, scan, "mine")


def test_f59_the_methods_own_array_stays_as_it_is(scan):
    own = np.ones(scan.shape)
    own.flags.writeable = False
    assert checked_map(own, scan, "mine")[0, 0, 0] == 0
    assert own[0, 0, 0] == 1


def test_bfloat16_is_accepted(scan):
    found = checked_map(torch.ones(3, 4, 5, dtype=torch.bfloat16), scan, "mine")
    assert found[scan.brain_mask].min() == 1


def test_global_state_is_as_before(tmp_path):
    before = (Path.cwd(), torch.get_num_threads(), torch.get_default_dtype(), random.getstate())
    with guarded("x"):
        os.chdir(tmp_path)
        torch.set_num_threads(1 if before[1] != 1 else 2)
        torch.set_default_dtype(torch.float64)
        random.seed(1)
    assert (Path.cwd(), torch.get_num_threads(), torch.get_default_dtype(), random.getstate()) == before


def test_a_stray_exception_becomes_a_plugin_error():
    with pytest.raises(PluginError, match="ValueError: no map"), guarded("mine.fit"):
        raise ValueError("no map")
