"""Shared intermediate results: computed once for each owner and function."""

from dataclasses import dataclass

import numpy as np

from uad_bench.evaluate.memoise import once


@dataclass(frozen=True)
class Owner:
    values: np.ndarray


def test_a_function_is_called_once_for_each_owner():
    calls = []

    def total(owner):
        calls.append(owner)
        return owner.values.sum()

    one, other = Owner(np.arange(3)), Owner(np.arange(5))
    assert [once(one, total), once(one, total), once(other, total)] == [3, 3, 10]
    assert len(calls) == 2


def test_two_functions_of_one_owner_have_two_results():
    owner = Owner(np.arange(4))
    assert once(owner, lambda o: o.values.max()) == 3
    assert once(owner, lambda o: o.values.min()) == 0


def test_a_result_that_is_false_is_kept_too():
    calls = []

    def nothing(owner):
        calls.append(owner)

    owner = Owner(np.arange(1))
    assert once(owner, nothing) is once(owner, nothing) is None
    assert len(calls) == 1
