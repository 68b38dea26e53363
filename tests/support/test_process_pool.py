"""Work shared among processes: results in order, and a process that dies is told."""

import os

import pytest

from uad_bench.errors import DataError, EnvironmentFault
from uad_bench.support.process_pool import LibraryError, calls, each


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


class Unfriendly(Exception):
    """An error that cannot be unpickled, as those of some libraries."""

    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


def unfriendly(number):
    raise Unfriendly("no", number)


def test_an_error_that_cannot_cross_comes_as_its_text():
    with pytest.raises(LibraryError, match="Unfriendly: no 1"):
        list(each(unfriendly, [1, 2], 2))


def test_a_dead_worker_may_have_an_answer_instead():
    assert list(each(dies, [1, 2], 2, on_death=lambda piece: -piece)) == [-1, -2]


def test_one_worker_computes_when_it_is_called():
    made = []
    first, second = calls(made.append, [1, 2], 1)
    assert made == []
    second()
    first()
    assert made == [2, 1]
