"""Pieces of work shared among processes of one thread each, their results in order."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from uad_bench.errors import EnvironmentFault

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def each(function: Callable[[Piece], Result], pieces: Sequence[Piece], workers: int) -> Iterator[Result]:
    """`function` of every piece, in their order; `function` and what it takes and gives can be pickled.

    Raises what `function` raises, and EnvironmentFault where a process dies.
    """
    if workers <= 1 or len(pieces) <= 1:
        yield from map(function, pieces)
        return
    # Not fork: the parent may hold the threads and locks of torch.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(pieces)), mp_context=context) as pool:
        try:
            yield from pool.map(function, pieces)
        except BrokenProcessPool as error:
            hint = "most likely killed for memory: use fewer workers"
            raise EnvironmentFault("a worker process died", hint=hint) from error
