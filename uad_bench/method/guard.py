"""Every call of a method: global side effects are undone, the anomaly map is checked."""

import logging
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.errors import PluginError, UadError
from uad_bench.method.base import Method, scores_sets
from uad_bench.method.context import Context
from uad_bench.method.out_of_memory import is_out_of_memory, out_of_memory
from uad_bench.method.torch_settings import restore_torch_settings, torch_settings
from uad_bench.types import FloatArray, Scan

log = logging.getLogger("uad_bench")
#: Fraction of the brain's scores that may become equal in float32 without a warning.
MAX_EQUAL = 0.01
#: Signals whose handlers a method may not keep: those that end a run or tell it to save.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Restore afterwards what a method may change of its process, so that it harms neither the next method nor us.

    Restored are the working directory, environment variables, random states, numpy's error handling, signal handlers,
    and the settings of torch (`torch_settings`). what: named in the error. Raises EnvironmentFault (UB603)
    where memory is exhausted, PluginError (UB402) for another exception that is no UadError or a call of sys.exit.
    """
    restore = _process_state()
    try:
        yield
    except (UadError, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:
        if is_out_of_memory(error):
            raise out_of_memory(what) from error
        hint = "run with --debug for the traceback"
        raise PluginError(f"{type(error).__name__}: {error}", where=what, hint=hint, code="UB402") from error
    finally:
        restore()


def _process_state() -> Callable[[], None]:
    """A function that restores the global state of the process as it is now."""
    import torch

    cwd, environ, errors = Path.cwd(), dict(os.environ), np.geterr()
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # the global state is what is restored
    settings, torch_state = torch_settings(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
    handlers = {number: signal.getsignal(number) for number in SIGNALS} if _in_main_thread() else {}

    def restore() -> None:
        os.chdir(cwd)
        if dict(os.environ) != environ:
            os.environ.clear()
            os.environ.update(environ)
        np.seterr(**errors)
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        restore_torch_settings(settings)
        torch.set_rng_state(torch_state)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        for number, handler in handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)

    return restore


def _in_main_thread() -> bool:
    """Whether signal handlers may be set here."""
    return threading.current_thread() is threading.main_thread()


def checked_map(answer: Any, scan: Scan, method: str) -> FloatArray:  # whatever a plug-in returns
    """The value that `Method.score` returned, as float32 (X, Y, Z), 0 outside the brain.

    Raises PluginError for something that is no map or has another shape (UB403), and for values inside the brain that
    are NaN, infinite or beyond float32 (UB404). Warns about a map that is constant, or is so in float32.
    """
    values = _float64(answer, scan, method)
    if values.shape != scan.shape:
        what = f"method {method!r} returned a map of shape {values.shape}, expected {scan.shape}"
        hint = "return (X, Y, Z) on the scan's grid"
        raise PluginError(what, where=scan.case_id, hint=hint, code="UB403")
    limit = float(np.finfo(np.float32).max)
    bad = int((~(np.abs(values[scan.brain_mask]) <= limit)).sum())
    if bad:
        what = f"method {method!r} returned {bad} voxels that are NaN or infinite in the brain"
        raise PluginError(what, where=scan.case_id, hint="no metric was written", code="UB404")
    values[~scan.brain_mask] = 0.0
    narrow = values.astype(np.float32)
    for kind, text in _warnings(values[scan.brain_mask], narrow[scan.brain_mask]):
        same = {"kind": f"the map of {method} {kind}", "case_id": scan.case_id}  # for `messages.summarised`
        log.warning("%s: the map of %s %s", scan.case_id, method, text, extra=same)
    return narrow


def _float64(answer: Any, scan: Scan, method: str) -> npt.NDArray[np.float64]:
    """A float64 copy of an array or tensor: the method may go on using its own. Masked voxels are NaN.

    Raises PluginError for what is no map of real numbers: complex numbers would lose a part, words be read as numbers
    (UB403).
    """
    kind = type(answer).__name__
    try:
        if hasattr(answer, "detach"):
            answer = answer.detach().cpu()
            answer = (answer if answer.is_complex() else answer.double()).numpy()
        values = np.ma.asanyarray(answer)
        kind = kind if values.dtype.kind in "biuf" else f"{kind} of {values.dtype}"
        if values.dtype.kind not in "biuf":
            raise TypeError(kind)
        return np.ma.filled(values.astype(np.float64), np.nan)
    except (TypeError, ValueError, RuntimeError) as error:
        what = f"method {method!r} returned {kind}, not a map of real numbers"
        raise PluginError(what, where=scan.case_id, code="UB403") from error


def _warnings(wide: npt.NDArray[np.float64], narrow: FloatArray) -> Iterator[tuple[str, str]]:
    """What is allowed but rarely intended, without and with the figures of this map: a constant map, and scores that
    differ in float64 only."""
    scores = np.sort(narrow)
    if scores.size > 1 and scores[0] == scores[-1]:
        why = "its average precision is the prevalence"
        yield f"is constant: {why}", f"is constant ({scores[0]:g}): {why}"
    equal = np.count_nonzero(scores[1:] == scores[:-1])
    if equal > MAX_EQUAL * scores.size:  # sorting the float64 scores costs time
        lost = equal - (wide.size - np.unique(wide).size)
        if lost > MAX_EQUAL * scores.size:
            what = "scores that become equal in float32: scale or centre it"
            yield f"has {what}", f"has {lost} of {scores.size} {what}"


def score_scan(method: Method, scan: Scan, ctx: Context, name: str) -> FloatArray:
    """The anomaly map of one scan, float32 (X, Y, Z), 0 outside the brain.

    Raises PluginError as `guarded` and `checked_map`.
    """
    if scores_sets(type(method)):
        kind = f"{name} scores whole test sets: a single scan is scored as a set of one"
        log.warning("%s: %s", scan.case_id, kind, extra={"kind": kind, "case_id": scan.case_id})
    before = scan.image.copy(), scan.brain_mask.copy()
    with guarded(f"{name}.score, case {scan.case_id}"):
        answer = method.score(scan, ctx)
    if not (np.array_equal(before[0], scan.image) and np.array_equal(before[1], scan.brain_mask)):
        hint = "work on a copy: torch.from_numpy(scan.image).clone()"
        raise PluginError(
            f"method {name!r} wrote into its input", where=scan.case_id, hint=hint, code="UB406"
        )
    return checked_map(answer, scan, name)


def score_scans(method: Method, scans: Sequence[Scan], ctx: Context, name: str) -> Iterator[FloatArray]:
    """The anomaly maps of a set of scans, each as soon as `Method.score_set` yields it, checked as by `score_scan`.

    Whether the method wrote into its scans is not checked: `scans` loads each scan anew when it is indexed. Raises
    PluginError as `guarded` and `checked_map`, and where the method yields fewer or more maps than there are scans
    (UB403).
    """
    with guarded(f"{name}.score_set"):
        answers = iter(method.score_set(scans, ctx))
    for number, scan in enumerate(scans):
        with guarded(f"{name}.score_set, case {scan.case_id}"):
            answer = next(answers, _NO_MAP)
        if answer is _NO_MAP:
            what = f"method {name!r} yielded {number} maps for {len(scans)} scans"
            raise PluginError(what, hint="yield one map for each scan, in their order", code="UB403")
        values = checked_map(answer, scan, name)
        if number == len(scans) - 1:
            _refuse_more(answers, len(scans), name)
        yield values


def _refuse_more(answers: Iterator[Any], expected: int, name: str) -> None:
    """Raise PluginError where a method yields another map after the last scan."""
    with guarded(f"{name}.score_set"):
        more = next(answers, _NO_MAP)
    if more is not _NO_MAP:
        what = f"method {name!r} yielded more than {expected} maps for {expected} scans"
        raise PluginError(what, hint="yield one map for each scan, in their order", code="UB403")


_NO_MAP = object()
