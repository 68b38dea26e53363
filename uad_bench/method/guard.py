"""Around every call into a method: its global side effects are undone, its map is checked."""

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
#: Share of a brain's scores that may become equal in float32 before it is said.
COLLAPSED = 0.01


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Undo changes to cwd, random states, dtype and threads; a stray exception becomes a PluginError."""
    import torch

    cwd, python, numpy = Path.cwd(), random.getstate(), np.random.get_state()  # noqa: NPY002  # the state that a method must not change
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
    """The map as float32 (X, Y, Z). Raises PluginError on another shape or NaN/Inf inside the brain."""
    try:
        if hasattr(answer, "detach"):
            answer = answer.detach().cpu().double().numpy()
        values = np.array(answer, dtype=np.float64)  # a copy: the method may keep what it returned
    except (TypeError, ValueError, RuntimeError) as error:
        what = f"method {method!r} returned {type(answer).__name__}, not a map"
        raise PluginError(what, where=scan.case_id, code="UB403") from error
    if values.shape != scan.shape:
        raise PluginError(
            f"method {method!r} returned a map of shape {values.shape}, expected {scan.shape}",
            where=scan.case_id,
            hint="return (X, Y, Z) on the scan's grid",
            code="UB403",
        )
    limit = float(np.finfo(np.float32).max)
    bad = int((~(np.abs(values[scan.brain_mask]) <= limit)).sum())
    if bad:
        raise PluginError(
            f"method {method!r} returned {bad} voxels that are NaN or infinite in the brain",
            where=scan.case_id,
            hint="no metric was written",
            code="UB404",
        )
    values[~scan.brain_mask] = 0.0
    narrow = values.astype(np.float32)
    for doubt in _doubts(values[scan.brain_mask], narrow[scan.brain_mask]):
        log.warning("%s: the map of %s %s", scan.case_id, method, doubt)
    return narrow


def _doubts(wide: npt.NDArray[np.float64], narrow: FloatArray) -> Iterator[str]:
    """What is allowed and yet seldom meant: a constant map, and scores that only 64 bits tell apart."""
    scores = np.sort(narrow)
    if scores.size > 1 and scores[0] == scores[-1]:
        yield f"is constant ({scores[0]:g}): its average precision is the prevalence"
    equal = np.count_nonzero(scores[1:] == scores[:-1])
    if equal > COLLAPSED * scores.size:  # else not worth the sorting of the wide ones
        lost = equal - (wide.size - np.unique(wide).size)
        if lost > COLLAPSED * scores.size:
            yield f"has {lost} of {scores.size} scores that become equal in float32: scale or centre it"


def score_scan(method: Method, scan: Scan, ctx: Context, name: str) -> FloatArray:
    """Ask a method for the map of one scan, guarded and checked. Outside the brain the map is 0."""
    with guarded(f"{name}.score, case {scan.case_id}"):
        answer = method.score(scan, ctx)
    return checked_map(answer, scan, name)
