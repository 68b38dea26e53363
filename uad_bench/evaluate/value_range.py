"""The range of a metric, as it is declared: "[0, 1]", "[0, ∞)", "(−∞, 1]"."""

import math
import re

Range = tuple[float, float]
_INTERVAL = re.compile(r"[\[(]\s*(\S+?)\s*,\s*(\S+?)\s*[\])]")


def parse_range(text: str) -> Range:
    """The ends of an interval; "∞" and "inf" are infinite. Raises ValueError for another text.

    >>> parse_range("[0, 1]"), parse_range("(−∞, 1]")
    ((0.0, 1.0), (-inf, 1.0))
    """
    match = _INTERVAL.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"value_range is {text!r}")
    low, high = (float(end.replace("∞", "inf").replace("−", "-")) for end in match.groups())
    return low, high


def finite_range(text: str) -> Range | None:
    """The ends of a range that has two finite ends in ascending order; None for another range or text.

    >>> finite_range("[-1, 1]"), finite_range("[0, inf)"), finite_range("a share")
    ((-1.0, 1.0), None, None)
    """
    try:
        low, high = parse_range(text)
    except ValueError:
        return None
    return (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else None
