"""Work that several metrics of one case share: done by the first that asks, kept with what it was made from."""

from collections.abc import Callable
from typing import Any, TypeVar

Owner = TypeVar("Owner")
Made = TypeVar("Made")


def once(owner: Owner, make: Callable[[Owner], Made]) -> Made:
    """`make(owner)`, kept on the owner, a frozen dataclass such as View or Scored, for as long as that lives.

    What is kept on a Scored is shared by all threshold rules, and should be small: maps may stay in memory.
    """
    # Into __dict__, as functools.cached_property does: the owner is frozen, and arrays give it no hash.
    kept: dict[Any, Any] = owner.__dict__.setdefault("_once", {})
    if make not in kept:
        kept[make] = make(owner)
    found: Made = kept[make]
    return found
