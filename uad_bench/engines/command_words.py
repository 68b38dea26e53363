"""The words of a command of uad-bench: options added and left out, and the command as a shell reads it."""

import shlex
from collections.abc import Sequence

#: The words after this one are no options, whatever they look like.
END_OF_OPTIONS = "--"


def with_options(words: Sequence[str], options: Sequence[str]) -> list[str]:
    """The words with these options behind all others, so that they decide, and in front of a literal `--`.

    >>> with_options(["run", "--seeds", "2", "--", "mine"], ["--only", "0"])
    ['run', '--seeds', '2', '--only', '0', '--', 'mine']
    """
    before, after = _divided(words)
    return [*before, *options, *after]


def without(words: Sequence[str], *, valued: Sequence[str] = (), flags: Sequence[str] = ()) -> list[str]:
    """The words without some options. valued: options with a value, as one word or two; flags: those without one.

    >>> without(["run", "mine", "--on", "slurm", "--fresh", "--", "--on"], valued=["--on"], flags=["--fresh"])
    ['run', 'mine', '--', '--on']
    """
    before, after = _divided(words)
    kept: list[str] = []
    rest = iter(before)
    for word in rest:
        if word in valued:
            next(rest, None)
        elif word not in flags and word.partition("=")[0] not in valued:
            kept.append(word)
    return [*kept, *after]


def last_value(words: Sequence[str], option: str) -> str:
    """The value of an option, the last one where it is there several times; "" without it.

    >>> last_value(["run", "mine", "--device=cpu", "--", "--device", "cuda"], "--device")
    'cpu'
    """
    before, _ = _divided(words)
    found = ""
    for place, word in enumerate(before):
        name, equals, value = word.partition("=")
        if name == option:
            found = value if equals else "".join(before[place + 1 : place + 2])
    return found


def for_shell(words: Sequence[str]) -> str:
    """The command as it is typed in a shell.

    >>> for_shell(["run", "mine", "--set", "protocol.modalities=[t1, t2]"])
    "uad-bench run mine --set 'protocol.modalities=[t1, t2]'"
    """
    return shlex.join(["uad-bench", *words])


def _divided(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words in front of a literal `--`, and those from it on."""
    place = list(words).index(END_OF_OPTIONS) if END_OF_OPTIONS in words else len(words)
    return list(words[:place]), list(words[place:])
