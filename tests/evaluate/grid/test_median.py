"""The median filter at the voxels of a mask: the bits of scipy's filter on every kind of map, on CPU and by torch."""

import logging

import numpy as np
import pytest
import torch
from scipy import ndimage

from uad_bench.evaluate.grid import median
from uad_bench.evaluate.grid.median import median_in
from uad_bench.evaluate.postprocess import parse

SHAPE = (19, 17, 15)
RNG = np.random.default_rng(5)
NOISE = RNG.normal(size=SHAPE).astype(np.float32)
MAPS = {
    "noise": NOISE,
    "signed and large": NOISE * np.float32(1e30),
    "four values": np.round(NOISE).clip(-1, 2) + np.float32(0),
    "constant": np.full(SHAPE, 3, np.float32),
    "mostly zeros": np.where(NOISE > 1.2, NOISE, np.float32(0)),
    "float16": NOISE.astype(np.float16).astype(np.float32),
    "subnormal": NOISE * np.float32(1e-42) + np.float32(0),
    "both zeros": np.where(NOISE > 0, np.float32(0), np.float32(-0.0)),
    "NaN": np.where(NOISE > 2, np.float32(np.nan), NOISE),
    "infinite": np.where(NOISE > 1, np.float32(np.inf), NOISE),
}
WINDOWS = [(3, 3, 1), (5, 5, 1), (7, 7, 1), (3, 3, 3), (5, 5, 5), (7, 7, 7)]


def inner(share):
    """A random mask that keeps three voxels away from the ends of the grid."""
    mask = np.zeros(SHAPE, bool)
    mask[3:-3, 3:-3, 3:-3] = RNG.random(SHAPE)[3:-3, 3:-3, 3:-3] < share
    return mask


def bits(values):
    return np.ascontiguousarray(values).view(np.uint32).tolist()


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("name", MAPS)
def test_the_bits_are_those_of_scipy(name, window):
    mask, volume = inner(0.4), MAPS[name]
    expected = ndimage.median_filter(volume, size=window)[mask]
    assert bits(median_in(volume, mask, window)) == bits(expected)


@pytest.mark.parametrize("name", MAPS)
def test_torch_gives_the_bits_of_numpy_with_deterministic_algorithms(name, monkeypatch):
    monkeypatch.setattr(median, "GPU_BYTES", 1 << 16)  # several parts
    mask, before = inner(0.4), torch.are_deterministic_algorithms_enabled()
    expected = bits(median_in(MAPS[name], mask, (5, 5, 3)))
    torch.use_deterministic_algorithms(True)
    try:
        assert bits(median_in(MAPS[name], mask, (5, 5, 3), "cpu:0")) == expected
    finally:
        torch.use_deterministic_algorithms(before)


@pytest.mark.parametrize("size", [1, 300, 1 << 24])
def test_the_size_of_the_parts_changes_no_bit(size, monkeypatch):
    mask = inner(0.2)
    expected = bits(median_in(NOISE, mask, (3, 3, 3)))
    monkeypatch.setattr(median, "CPU_BYTES", size)
    assert bits(median_in(NOISE, mask, (3, 3, 3))) == expected


def test_a_mask_without_voxels_has_no_median():
    assert median_in(NOISE, np.zeros(SHAPE, bool), (3, 3, 3)).size == 0


def test_too_little_memory_on_the_gpu_is_said_and_the_cpu_takes_over(monkeypatch, caplog):
    def exhausted(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(median, "_on_gpu", exhausted)
    mask = inner(0.2)
    with caplog.at_level(logging.WARNING):
        found = median_in(NOISE, mask, (3, 3, 3), "cuda")
    assert bits(found) == bits(median_in(NOISE, mask, (3, 3, 3)))
    assert "too little memory on cuda" in caplog.text


def test_a_step_keeps_its_options_on_another_device():
    (step,) = parse([{"step": "median", "size": 5, "axes": 2}])
    brain = inner(0.9)
    moved = step.on("cpu:0")  # torch on the CPU
    assert moved.model_dump() == step.model_dump()
    assert bits(moved.run(NOISE, brain)[0]) == bits(step.run(NOISE, brain)[0])
    (erode,) = parse([{"step": "erode_brain"}])
    assert erode.on("cuda") is erode
