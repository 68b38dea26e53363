"""Values that 32-bit floats, with which everything is computed, cannot tell apart."""

from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.errors import DataError

#: Values that are looked at.
SAMPLE = 1_000_000
#: Least share of the different values that must still differ as 32-bit floats.
LEAST = 0.5


def check_float32(values: npt.NDArray[Any], where: str) -> None:
    """Raise DataError (UB327) where most of the different values become equal, or infinite, as 32-bit floats.

    This happens to small differences around a large number and to numbers below 1e-38. Zeros, which fill the
    background, are not looked at, and of a large array every k-th value.

    >>> check_float32(np.linspace(0, 1, 1000), "a map")
    >>> check_float32(np.linspace(0, 1, 1000) + 1e9, "a map")
    Traceback (most recent call last):
        ...
    uad_bench.errors.DataError: of 1000 different values, 32-bit floats tell 1 apart (a map): subtract a constant ...
    """
    if values.dtype.kind not in "fiu" or np.can_cast(values.dtype, np.float32):
        return
    some = values[(values != 0) & np.isfinite(values)]
    some = some[:: max(1, some.size // SAMPLE)]
    before = np.unique(some)
    with np.errstate(over="ignore", under="ignore"):
        narrow = before.astype(np.float32)
    after = np.unique(narrow[np.isfinite(narrow) & (narrow != 0)])
    if after.size < LEAST * before.size:
        what = f"of {before.size} different values, 32-bit floats tell {after.size} apart"
        hint = (
            "subtract a constant or rescale before the file is written: neither changes the order of scores"
        )
        raise DataError(what, where=where, hint=hint, code="UB327")
