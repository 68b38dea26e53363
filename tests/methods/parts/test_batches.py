"""Batches that are halved until they fit in memory."""

import logging

import pytest
import torch

from uad_bench.method.out_of_memory import is_out_of_memory
from uad_methods.parts.batches import Batches


def test_batches_are_halved_until_they_fit_and_one_warning_is_logged(caplog):
    tried = []

    def one(part):
        tried.append(part.stop - part.start)
        if tried[-1] > 5:
            raise torch.OutOfMemoryError
        return torch.arange(part.start, part.stop)

    batches = Batches("auto", "cpu")
    with caplog.at_level(logging.WARNING, "uad_bench"):
        assert batches.run(21, one).tolist() == list(range(21))
        assert tried == [21, 10, 5, 5, 5, 5, 1]
        assert batches.run(7, one).tolist() == list(range(7))
    assert tried[7:] == [5, 2]
    assert [record.getMessage() for record in caplog.records] == [
        "a pass of 21 images does not fit in memory; from now on at most 10 per pass"
    ]


@pytest.mark.parametrize(
    "message",
    [
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate",
    ],
)
def test_out_of_memory_errors_of_libraries_are_recognised(message):
    def one(part):
        if part.stop - part.start > 2:
            raise RuntimeError(message)
        return torch.arange(part.start, part.stop)

    assert Batches("auto", "cpu").run(7, one).tolist() == list(range(7))


def test_the_cpu_allocator_s_error_is_recognised():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60)
    assert is_out_of_memory(error.value)


def test_other_errors_are_raised():
    def one(part):
        raise RuntimeError("sizes do not match")

    with pytest.raises(RuntimeError, match="do not match"):
        Batches("auto", "cpu").run(7, one)


@pytest.mark.parametrize(("size", "count"), [(4, 9), ("auto", 1)])
def test_a_fixed_size_or_a_single_image_that_does_not_fit_is_an_error(size, count):
    def one(part):
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        Batches(size, "cpu").run(count, one)
