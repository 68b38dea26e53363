"""A chart with two axes: positions in pixels, which the template draws. Equal values give equal positions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 70, 14, 12, 40
MOST_TICKS = 8
#: Radius of a point, and the width and height of a letter next to it.
POINT, LETTER, LETTER_HEIGHT = 4.5, 6.0, 9.0
#: A rectangle: left, top, right, bottom.
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """A point. text: what it is, shown on hover; label: the letters next to it; kind: its class in the style.

    label_x, label_y: where the letters begin, seen from the point.
    """

    x: float
    y: float
    text: str
    label: str
    kind: str
    label_x: float = 6.0
    label_y: float = -4.0


@dataclass(frozen=True)
class Line:
    """A line through points ("x,y x,y"). text: what it is; kind: its classes in the style."""

    points: str
    text: str
    kind: str


@dataclass(frozen=True)
class Chart:
    """A chart. summary: its content in words, for readers who do not see it; x_ticks, y_ticks: (position, text).

    legend: what a line of some classes stands for, (classes, text).
    """

    title: str
    summary: str
    x_label: str
    y_label: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


@dataclass(frozen=True)
class Scale:
    """The positions of values on an axis from `low` to `high`. log: logarithmic, all values are positive."""

    low: float
    high: float
    begin: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The position of a value, in pixels with one decimal."""
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return round(self.begin + (value - low) / ((high - low) or 1.0) * (self.end - self.begin), 1)

    def ticks(self) -> list[float]:
        """Round values inside the axis; multiples of one step where a logarithmic axis has few others."""
        found = round_ticks(self.low, self.high) if self.log else []
        inside = [tick for tick in found if self.low <= tick <= self.high]
        return inside if len(inside) > 1 else linear_ticks(self.low, self.high)


def with_free_labels(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """The marks with letters at the first of eight places around the point that is clear of other letters and points.

    Where all places are taken, the letters stay at the first.
    """
    points = [(mark.x - POINT, mark.y - POINT, mark.x + POINT, mark.y + POINT) for mark in marks]
    found: list[Mark] = []
    taken: list[Box] = []
    for index, mark in enumerate(marks):
        others = [*taken, *points[:index], *points[index + 1 :]]
        moved = [replace(mark, label_x=x, label_y=y) for x, y in _places(len(mark.label))]
        kept = next((one for one in moved if not any(_overlap(_box(one), box) for box in others)), mark)
        taken.append(_box(kept))
        found.append(kept)
    return tuple(found)


def _places(letters: int) -> list[tuple[float, float]]:
    """Where letters may begin: right above, right below, left above, left below, and the same farther away."""
    left = -6.0 - LETTER * letters
    near = [(6.0, -4.0), (6.0, 11.0), (left, -4.0), (left, 11.0)]
    return [*near, *((x, y - 10 if y < 0 else y + 10) for x, y in near)]


def _box(mark: Mark) -> Box:
    x, y = mark.x + mark.label_x, mark.y + mark.label_y
    return x, y - LETTER_HEIGHT, x + LETTER * len(mark.label), y


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def x_scale(values: Sequence[float], *, log: bool = False) -> Scale:
    """The horizontal axis around some values."""
    return _around(values, LEFT, WIDTH - RIGHT, log=log)


def y_scale(values: Sequence[float], *, log: bool = False) -> Scale:
    """The vertical axis around some values, from the bottom up."""
    return _around(values, HEIGHT - BOTTOM, TOP, log=log)


def _around(values: Sequence[float], begin: float, end: float, *, log: bool) -> Scale:
    """With a margin of 5 % of the axis at both ends."""
    low, high = min(values), max(values)
    if log:
        margin = max((high / low) ** 0.05, 1.1)
        return Scale(low / margin, high * margin, begin, end, log=True)
    space = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return Scale(low - space, high + space, begin, end)


def is_logarithmic(values: Sequence[float]) -> bool:
    """Whether all values are positive and the largest is at least 5 times the smallest."""
    return min(values) > 0 and max(values) >= 5 * min(values)


def linear_ticks(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten inside an axis, at most eight.

    >>> linear_ticks(0.02, 0.23)
    [0.05, 0.1, 0.15, 0.2]
    """
    power = 10.0 ** math.floor(math.log10((high - low) / MOST_TICKS))
    step = next(
        step for step in (power, 2 * power, 5 * power, 10 * power) if (high - low) / step <= MOST_TICKS
    )
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{n * step:.12g}") for n in range(first, last + 1)]


def round_ticks(low: float, high: float) -> list[float]:
    """Ticks of 1, 2 and 5 times powers of ten around a range; powers of ten alone where they are more than eight.

    >>> round_ticks(0.3, 40)
    [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]
    """
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    known = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    begin = max(i for i, tick in enumerate(known) if tick <= low)
    end = min(i for i, tick in enumerate(known) if tick >= high)
    found = known[begin : end + 1]
    return found if len(found) <= MOST_TICKS else [tick for tick in found if f"{tick:e}"[0] == "1"]


def short(value: float) -> str:
    """A number as a tick: 0.5, 200, 20k, 5M."""
    for size, letter in ((1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e6 if letter == 'M' else 1e3):g}{letter}"
    return f"{value:g}"
