"""The tables of a rehearsal: what each stage cost at each size, and how the cost grew from one size to the next."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from benchmarks.rehearsal.measure import Cost

#: Limits of a stage: growth of its processor time with the number of cases, and memory of a process.
MOST_GROWTH, MOST_MIB = 1.1, 2048
#: Stages whose memory is not limited: training keeps the slices of all training scans, writing is no part of uad-bench.
NO_LIMIT = frozenset({"run", "write the trees"})
#: A stage shorter than this is mostly the start of Python: its growth is not judged.
JUDGED_FROM_S = 5.0


@dataclass(frozen=True)
class Measured:
    """A stage at one size; n: number of its cases."""

    stage: str
    share: Fraction
    n: int
    cost: Cost


def growth(small: Measured, large: Measured) -> float | None:
    """The exponent e with which the processor time grew as n^e; None where n is the same."""
    if small.n == large.n:
        return None
    return math.log(large.cost.cpu_s / small.cost.cpu_s) / math.log(large.n / small.n)


def table(found: Sequence[Measured]) -> str:
    """A Markdown table, a row a stage and size."""
    lines = ["| stage | size | cases | CPU s | wall s | peak, MiB | disk, MiB | grows as |", "|---" * 8 + "|"]
    for one, smaller in _with_smaller(found):
        exponent = growth(smaller, one) if smaller else None
        told = "–" if exponent is None else f"n^{exponent:.2f}"
        cost = one.cost
        cells = (one.stage, one.share, one.n, f"{cost.cpu_s:.1f}", f"{cost.wall_s:.0f}", f"{cost.peak_mib:.0f}",
                 f"{cost.disk_mib:.0f}", told)  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def faults(found: Sequence[Measured]) -> list[str]:
    """A sentence for each limit that a stage does not keep."""
    said = []
    for one, smaller in _with_smaller(found):
        exponent = growth(smaller, one) if smaller else None
        if exponent is not None and one.cost.cpu_s >= JUDGED_FROM_S and exponent > MOST_GROWTH:
            said.append(
                f"{one.stage} grows as n^{exponent:.2f} up to {one.share}, the limit is n^{MOST_GROWTH}"
            )
        if one.stage not in NO_LIMIT and one.cost.peak_mib > MOST_MIB:
            said.append(
                f"{one.stage} takes {one.cost.peak_mib:.0f} MiB at {one.share}, the limit is {MOST_MIB} MiB"
            )
    return said


def _with_smaller(found: Sequence[Measured]) -> Iterator[tuple[Measured, Measured | None]]:
    """Each measurement by stage and size, with that of the next smaller size."""
    for stage in dict.fromkeys(one.stage for one in found):
        before = None
        for one in sorted((one for one in found if one.stage == stage), key=lambda one: one.share):
            yield one, before
            before = one
