"""Resamples of patients, the same for every method and seed, so that differences between them are paired."""

import numpy as np
import numpy.typing as npt

#: Resamples a stored interval is made from.
DRAWS = 1000
#: Part of the definition, as the draws of different runs are subtracted from each other.
SEED = 20211

Counts = npt.NDArray[np.int64]


def resamples(n: int, draws: int = DRAWS) -> Counts:
    """How often each of n patients, in the order of their ids, is taken in each resample with replacement, (draws, n).

    The same n and number of draws give the same counts anywhere.
    """
    rng = np.random.Generator(np.random.PCG64([SEED, n]))
    return rng.multinomial(n, np.full(n, 1 / n), size=draws) if n else np.zeros((draws, 0), np.int64)
