"""Words that messages share."""

from collections.abc import Sequence


def first_names(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are.

    >>> first_names(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def words_of(text: str) -> frozenset[str]:
    """The words of a text.

    >>> sorted(words_of("t1 t2"))
    ['t1', 't2']
    """
    return frozenset(text.split())
