"""What a person calls a method: NAME, NAME:VARIANT, a file, a class; `paper/` before it for its own defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from uad_bench import plugins
from uad_bench.config import Protocol
from uad_bench.errors import unknown_name

PAPER = "paper/"


@dataclass(frozen=True)
class Asked:
    """A method that was asked for.

    chosen: the parameters that its `:variant` stands for. paper: whatever a protocol presets, the method's own
    defaults hold, which are its paper's.
    """

    entry: plugins.Entry
    cls: type[Any]
    chosen: Mapping[str, Any]
    paper: bool = False

    def preset(self, protocol: Protocol) -> dict[str, Any]:
        """What the protocol presets for it, as far as the name leaves that standing.

        A preset may choose a variant; where one is named, nothing of that choice stays in it.
        """
        if self.paper:
            return {}
        usual = protocol.presets.get(self.entry.name, {})
        chooses = {key for one in self.cls.variants.values() for key in one} if self.chosen else set()
        return {key: value for key, value in usual.items() if key not in chooses}


def find_method(name: str) -> Asked:
    """The method of a name. Raises UsageError where there is none, or no such variant of it."""
    called = name if name.endswith(".py") else name.removeprefix(PAPER)  # a folder may have that name
    base, _, wanted = called.partition(":")
    if wanted and ("method", base) in plugins.catalogue().entries:
        entry = plugins.resolve("method", base)
        cls = plugins.load(entry)
        if wanted not in cls.variants:
            raise unknown_name(f"variant of {base}", wanted, cls.variants)
        return Asked(entry, cls, cls.variants[wanted], called != name)
    entry = plugins.resolve("method", called)
    return Asked(entry, plugins.load(entry), {}, called != name)
