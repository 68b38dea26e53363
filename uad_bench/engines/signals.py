"""Signals to end this process, handled in another way for a while; Python calls handlers in the main thread only."""

import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType

from uad_bench.errors import Terminated

#: Ctrl-C and `kill`; the end of the terminal and Ctrl-\, which Python leaves to the system.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
UNHANDLED = (signal.SIGHUP, signal.SIGQUIT)
Handler = Callable[[int, FrameType | None], None]


@contextmanager
def handled(numbers: Collection[int], handler: Handler) -> Iterator[None]:
    """Give these signals a handler for the time of the block; in another thread than the main one, do nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, one in before.items():
            signal.signal(number, signal.SIG_DFL if one is None else one)


@contextmanager
def end_as_sigterm() -> Iterator[None]:
    """The signals that would end this process at once raise Terminated; those that are ignored (nohup) stay so."""
    numbers = [number for number in UNHANDLED if signal.getsignal(number) == signal.SIG_DFL]
    with handled(numbers, _terminate):
        yield


@contextmanager
def held_back() -> Iterator[None]:
    """Signals to end this process wait for the end of the block."""
    came: list[int] = []
    with handled(_heard(), lambda number, _frame: came.append(number)):
        yield
    for number in came[:1]:
        signal.raise_signal(number)


@contextmanager
def ignored() -> Iterator[None]:
    """Signals to end this process have no effect in the block, in which it ends already."""
    with handled(ENDING, lambda _number, _frame: None):
        yield


def _heard() -> list[int]:
    return [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated
