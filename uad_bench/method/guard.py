"""Every call of a method: global side effects are undone, the anomaly map is checked."""

import logging
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.errors import PluginError, UadError
from uad_bench.method.base import Method
from uad_bench.method.context import Context
from uad_bench.types import FloatArray, Scan

log = logging.getLogger("uad_bench")
#: Fraction of the brain's scores that may become equal in float32 without a warning.
MAX_EQUAL = 0.01


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Restore working directory, random states, torch's dtype and threads afterwards.

    what: named in the error. Raises PluginError (UB402) for an exception that is no UadError.
    """
    import torch

    cwd, python, numpy = Path.cwd(), random.getstate(), np.random.get_state()  # noqa: NPY002  # the global state is restored
    dtype, threads, torch_state = torch.get_default_dtype(), torch.get_num_threads(), torch.get_rng_state()
    try:
        yield
    except (UadError, KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        hint = "run with --debug for the traceback"
        raise PluginError(f"{type(error).__name__}: {error}", where=what, hint=hint, code="UB402") from error
    finally:
        os.chdir(cwd)
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
        torch.set_rng_state(torch_state)


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
    for warning in _warnings(values[scan.brain_mask], narrow[scan.brain_mask]):
        log.warning("%s: the map of %s %s", scan.case_id, method, warning)
    return narrow


def _float64(answer: Any, scan: Scan, method: str) -> npt.NDArray[np.float64]:
    """A float64 copy of an array or tensor: the method may go on using its own. Raises PluginError (UB403)."""
    try:
        if hasattr(answer, "detach"):
            answer = answer.detach().cpu().double().numpy()
        return np.array(answer, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        what = f"method {method!r} returned {type(answer).__name__}, not a map"
        raise PluginError(what, where=scan.case_id, code="UB403") from error


def _warnings(wide: npt.NDArray[np.float64], narrow: FloatArray) -> Iterator[str]:
    """What is allowed but rarely intended: a constant map, and scores that differ in float64 only."""
    scores = np.sort(narrow)
    if scores.size > 1 and scores[0] == scores[-1]:
        yield f"is constant ({scores[0]:g}): its average precision is the prevalence"
    equal = np.count_nonzero(scores[1:] == scores[:-1])
    if equal > MAX_EQUAL * scores.size:  # sorting the float64 scores costs time
        lost = equal - (wide.size - np.unique(wide).size)
        if lost > MAX_EQUAL * scores.size:
            yield f"has {lost} of {scores.size} scores that become equal in float32: scale or centre it"


def score_scan(method: Method, scan: Scan, ctx: Context, name: str) -> FloatArray:
    """The anomaly map of one scan, float32 (X, Y, Z), 0 outside the brain.

    Raises PluginError as `guarded` and `checked_map`.
    """
    with guarded(f"{name}.score, case {scan.case_id}"):
        answer = method.score(scan, ctx)
    return checked_map(answer, scan, name)
