"""Intermediate results that several metrics of one case share: computed once, stored on the object they belong to."""

from collections.abc import Callable
from typing import Any, TypeVar

Owner = TypeVar("Owner")
Result = TypeVar("Result")


def once(owner: Owner, compute: Callable[[Owner], Result]) -> Result:
    """`compute(owner)`, computed at the first call and stored on the owner, a frozen dataclass such as View or Scored.

    A result stored on a View serves all metrics of one threshold rule, one stored on a Scored serves all rules. It
    lives as long as its owner and should be small.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Owner:
    ...     size: int
    >>> def squares(owner):
    ...     return [k * k for k in range(owner.size)]
    >>> owner = Owner(3)
    >>> once(owner, squares) is once(owner, squares)
    True
    """
    # Into __dict__, as functools.cached_property does: a frozen dataclass takes no attribute, and arrays have no hash.
    results: dict[Any, Any] = owner.__dict__.setdefault("_once", {})
    if compute not in results:
        results[compute] = compute(owner)
    found: Result = results[compute]
    return found
