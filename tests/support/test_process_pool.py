"""Work shared among processes: results in order, and a process that dies is told."""

import os

import pytest

from uad_bench.errors import DataError, EnvironmentFault
from uad_bench.support.process_pool import each


def squared(number):
    return number * number, os.getpid()


def dies(_number):
    os._exit(9)


def refuses(number):
    raise DataError("not this one", where=str(number))


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers):
    found = list(each(squared, range(5), workers))
    assert [value for value, _ in found] == [0, 1, 4, 9, 16]
    assert (os.getpid() in {pid for _, pid in found}) == (workers == 1)


def test_one_piece_needs_no_other_process():
    assert list(each(squared, [3], 8)) == [(9, os.getpid())]
    assert list(each(squared, [], 8)) == []


def test_a_process_that_dies_is_an_error_that_says_what_to_do():
    with pytest.raises(EnvironmentFault, match="fewer workers"):
        list(each(dies, [1, 2], 2))


def test_an_error_crosses_with_its_place():
    with pytest.raises(DataError, match="not this one") as caught:
        list(each(refuses, [1, 2], 2))
    assert caught.value.where == "1"
