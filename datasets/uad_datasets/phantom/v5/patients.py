"""Lesion counts and volumes of MS patients, drawn from the quantiles of the 30 consensus masks of MSLUB.

Lesjak et al., Neuroinformatics 2018, doi:10.1007/s12021-017-9348-7; components with 26 neighbours, at 1 mm.
"""

import re
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from uad_datasets.phantom.grid import rng_for

Volumes = npt.NDArray[np.float64]

PROBABILITIES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
#: Quantiles over patients: lesion load in ml, number of lesions, share of the load in the largest lesion.
LOAD = (0.3, 1.0, 1.8, 13.9, 28.2, 41.2, 52.2)
COUNT = (17, 20, 31, 79, 116, 247, 392)
LARGEST = (0.07, 0.16, 0.19, 0.26, 0.46, 0.77, 0.94)
#: Rank correlation of the load with the count and with the share of the largest lesion.
CORRELATION = {"count": 0.74, "largest": 0.62}
#: Volume of the small lesions, mm³: median and deviation of the logarithm.
SMALL = (17.0, 1.45)


def severity(seed: int, case_id: str) -> float:
    """The place of a patient among patients by lesion load, 0 to 1.

    Patients of a cohort are spread evenly by their number (golden ratio), so that a cohort of twelve has the
    quantiles of the thirty; the place depends on `seed` and `case_id` alone.
    """
    rng = rng_for(seed, "ms-severity")
    number = re.search(r"\d+$", case_id)
    start = rng.random() if number else rng_for(seed, f"severity/{case_id}").random()
    return float((start + (int(number[0]) if number else 0) * (5**0.5 - 1) / 2) % 1)


def draw_volumes(rng: np.random.Generator, place: float) -> Volumes:
    """The volumes in mm³ of the lesions of one patient, largest first, each at least 1."""
    load = 1000 * float(np.exp(_quantile(place, np.log(LOAD))))
    count = round(_quantile(_related(rng, place, CORRELATION["count"]), COUNT))
    largest = load * _quantile(_related(rng, place, CORRELATION["largest"]), LARGEST)
    small = np.exp(rng.normal(np.log(SMALL[0]), SMALL[1], count - 1))
    others = _with_sum(np.sort(np.clip(small, 1, None)), load - largest, max(largest, 40.0))
    return np.concatenate([[largest], others[::-1]])


def _quantile(place: float, values: npt.ArrayLike) -> float:
    """The quantile of one of the tables above."""
    return float(np.interp(place, PROBABILITIES, np.asarray(values, dtype=np.float64)))


def _related(rng: np.random.Generator, place: float, correlation: float) -> float:
    """A uniform value that is correlated with `place`."""
    score = NormalDist().inv_cdf(min(max(place, 1e-3), 1 - 1e-3))
    return NormalDist().cdf(correlation * score + (1 - correlation**2) ** 0.5 * rng.standard_normal())


def _with_sum(volumes: Volumes, total: float, most: float) -> Volumes:
    """Volumes whose upper half is spread out or compressed, the median kept, so that they sum to `total`.

    None exceeds `most`. Where even equal volumes would be too much, all shrink alike.
    """
    median = float(np.median(volumes))
    low, high = 0.0, 8.0
    for _ in range(40):
        power = (low + high) / 2
        low, high = (power, high) if _powered(volumes, median, power, most).sum() < total else (low, power)
    found = _powered(volumes, median, low, most)
    return np.asarray(np.maximum(found * min(1.0, total / found.sum()), 1.0))


def _powered(volumes: Volumes, median: float, power: float, most: float) -> Volumes:
    """The volumes above the median with their ratio to it raised to a power."""
    upper = median * np.maximum(volumes / median, 1) ** power
    return np.asarray(np.minimum(np.where(volumes > median, upper, volumes), most))
