"""A column of a grid: its head, and what it shows of each row."""

from collections.abc import Callable
from dataclasses import dataclass

from uad_bench.leaderboard.table import Row

Text = Callable[[Row], str]


@dataclass(frozen=True)
class Head:
    """The head of a column. key: the name it is sorted and filtered by ("ap.case", "rank").

    metric: it is a number of the engine; oracle: it looks at the test labels; lower: lower is better.
    """

    text: str
    key: str
    metric: bool = False
    oracle: bool = False
    lower: bool = False


@dataclass(frozen=True)
class Field:
    """A column: its head, the text of a row, its number, the text and number of a random score, the best rows."""

    head: Head
    text: Text
    value: Callable[[Row], float | None] | None = None
    chance: str = ""
    floor: float | None = None
    best: frozenset[str] = frozenset()
