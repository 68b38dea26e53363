"""Work shared among processes of one thread each: results in order, errors and messages as if it ran here."""

import logging
import logging.handlers
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn, TypeVar

from uad_bench.errors import EnvironmentFault, UadError

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class WorkerDied(EnvironmentFault):
    """A worker process ended without an answer, most likely killed for memory."""


class LibraryError(Exception):
    """What a library raised in a worker process, as text: its own class may not survive the way between processes."""


def each(
    function: Callable[[Piece], Result],
    pieces: Sequence[Piece],
    workers: int,
    on_death: Callable[[Piece], Result] | None = None,
) -> Iterator[Result]:
    """`function` of every piece, in their order; `function`, pieces and results can be pickled.

    on_death: the result of a piece whose worker process died. Raises what `function` raises, and WorkerDied (an
    EnvironmentFault) where there is no `on_death`.
    """
    for piece, call in zip(pieces, calls(function, pieces, workers), strict=True):
        try:
            yield call()
        except WorkerDied:
            if on_death is None:
                raise
            yield on_death(piece)


def calls(
    function: Callable[[Piece], Result], pieces: Sequence[Piece], workers: int
) -> Iterator[Callable[[], Result]]:
    """One call for each piece, in their order: it gives `function` of the piece, or raises what that raised.

    One worker computes in this process, when the call is made. Several begin at once; a call then waits for its piece.
    It raises LibraryError in place of errors that are no UadError, and WorkerDied where the process died.
    """
    if workers <= 1 or len(pieces) <= 1:
        yield from (partial(function, piece) for piece in pieces)
        return
    with _pool(min(workers, len(pieces))) as pool:
        futures = [pool.submit(_portable, function, piece) for piece in pieces]
        try:
            yield from (partial(_awaited, future) for future in futures)
        finally:
            pool.shutdown(cancel_futures=True)


def in_flight(
    function: Callable[[Piece], Result], pieces: Iterable[Piece], workers: int
) -> Iterator[tuple[Piece, Callable[[], Result]]]:
    """As `calls`, for large pieces that are made one by one: each with its call, and a few in memory at a time."""
    waiting: deque[tuple[Piece, Callable[[], Result]]] = deque()
    with _pool(workers) as pool:
        try:
            for piece in pieces:
                waiting.append((piece, _call(pool, function, piece)))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            pool.shutdown(cancel_futures=True)


def _call(pool: Executor, function: Callable[[Piece], Result], piece: Piece) -> Callable[[], Result]:
    try:
        return partial(_awaited, pool.submit(_portable, function, piece))
    except BrokenProcessPool as error:
        return partial(_died, error)


@contextmanager
def _pool(workers: int) -> Iterator[Executor]:
    """Processes whose messages are handled here."""
    # Not fork: the parent may hold the threads and locks of torch.
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    listener = logging.handlers.QueueListener(queue, _Forward())
    listener.start()
    try:
        with ProcessPoolExecutor(workers, context, _send_messages, (queue,)) as pool:
            yield pool
    finally:
        listener.stop()


def _portable(function: Callable[[Piece], Result], piece: Piece) -> Result:
    """In a worker: `function` of a piece, its errors as such that can be pickled."""
    try:
        return function(piece)
    except (UadError, MemoryError):
        raise
    except Exception as error:
        raise LibraryError(f"{type(error).__name__}: {error}") from None


def _awaited(future: "Future[Result]") -> Result:
    try:
        return future.result()
    except BrokenProcessPool as error:
        _died(error)


def _died(error: BrokenProcessPool) -> NoReturn:
    hint = "most likely killed for memory: use fewer workers"
    raise WorkerDied("a worker process died", hint=hint) from error


def _send_messages(queue: Any) -> None:
    """In a worker, once: its messages go to the parent."""
    root = logging.getLogger()
    root.handlers = [logging.handlers.QueueHandler(queue)]
    root.setLevel(logging.INFO)


class _Forward(logging.Handler):
    """In the parent: a worker's message is handled as one of the same logger here."""

    def emit(self, record: logging.LogRecord) -> None:
        log = logging.getLogger(record.name)
        if log.isEnabledFor(record.levelno):
            log.handle(record)
