"""The label of a method in tables and messages: NAME, NAME:VARIANT, either with @MODALITIES."""

import re
from collections.abc import Sequence
from typing import NamedTuple

#: What follows the last "@": modalities, with "+" between them.
MODALITIES = re.compile(r"[a-z0-9]+(\+[a-z0-9]+)*")


class MethodLabel(NamedTuple):
    """The parts of a label. variant: "" for none; modalities: those that the method sees, empty for all."""

    name: str
    variant: str = ""
    modalities: tuple[str, ...] = ()

    def __str__(self) -> str:
        called = f"{self.name}:{self.variant}" if self.variant else self.name
        return f"{called}@{'+'.join(self.modalities)}" if self.modalities else called


def parse_label(label: str) -> MethodLabel:
    """The parts of a label of a registered method.

    >>> parse_label("mine:small@t1+flair")
    MethodLabel(name='mine', variant='small', modalities=('t1', 'flair'))
    >>> str(parse_label("mine")), parse_label("mine").modalities
    ('mine', ())
    """
    called, modalities = without_modalities(label)
    name, _, variant = called.partition(":")
    return MethodLabel(name, variant, tuple(modalities))


def without_modalities(name: str) -> tuple[str, Sequence[str]]:
    """What precedes the "@" of a method's name, and the modalities after it; an "@" in a path is part of the path.

    >>> without_modalities("mine@flair"), without_modalities("mail@home/mine.py")
    (('mine', ['flair']), ('mail@home/mine.py', ()))
    """
    called, at, modalities = name.rpartition("@")
    return (called, modalities.split("+")) if at and MODALITIES.fullmatch(modalities) else (name, ())
