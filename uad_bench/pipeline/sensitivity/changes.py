"""Changes of a protocol's preparation, one at a time, for the sensitivity of results to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uad_bench.config import Protocol
from uad_bench.errors import UsageError, unknown_name
from uad_bench.prepare.chain import STEPS, parse_steps
from uad_bench.prepare.skull_strip import TOOLS, available_tool
from uad_bench.support import strict_yaml

Steps = tuple[dict[str, Any], ...]
#: Stands for the skull-stripping tool that the protocol does not use.
STRIP = "strip"
BRAIN_MASK, STRIPPER = "brain_mask", "stripper"


@dataclass(frozen=True)
class PreparationChange:
    """A change of the preparation.

    label: in tables, "without n4", "n4.shrink=2"; slug: the same in the name of a protocol; steps: the preparation
    after the change.
    """

    label: str
    slug: str
    steps: Steps

    def settings(self, protocol: Protocol) -> list[tuple[list[str], Any]]:
        """The settings of a run under the changed protocol, whose name tells the change."""
        name = f"{protocol.name}.{self.slug}"[:64]
        return [(["protocol", "prepare"], [dict(step) for step in self.steps]), (["protocol", "name"], name)]


def parse_changes(words: Sequence[str], protocol: Protocol) -> list[PreparationChange]:
    """The change that each word stands for.

    A word is the name of a step, which is left out where the protocol has it and added with its defaults where not;
    STEP.PARAMETER=VALUE; or `strip`, the other skull-stripping tool. Raises UsageError for an unknown step, for two
    equal changes and for one that changes nothing, EnvironmentFault for a tool that is not installed (UB601).

    >>> from uad_bench.config import load_protocol
    >>> [change.label for change in parse_changes(["n4", "n4.shrink=2", "curvature_flow"], load_protocol("uad-2mm"))]
    ['without n4', 'n4.shrink=2', 'with curvature_flow']
    """
    changes = [_change(word, protocol.prepare) for word in words]
    own, *found = (
        parse_steps(protocol.model_copy(update={"prepare": steps}).steps)
        for steps in (protocol.prepare, *(change.steps for change in changes))
    )
    for change, steps in zip(changes, found, strict=True):
        if steps == own:
            what = f"{change.label} is what the protocol {protocol.name} has"
            raise UsageError(what, where="--vary", hint="leave it out")
        if found.count(steps) > 1:
            raise UsageError(f"{change.label} is there twice", where="--vary", hint="name each change once")
    return changes


def _change(word: str, steps: Sequence[Mapping[str, Any]]) -> PreparationChange:
    if word == STRIP:
        return _other_tool(steps)
    name, dot, rest = word.partition(".")
    if name not in STEPS:
        raise unknown_name("preparation step", name, [*STEPS, STRIP])
    if dot:
        return _parameter(word, name, rest, steps)
    present = [step for step in steps if step["step"] == name]
    if present:
        left = tuple(dict(step) for step in steps if step["step"] != name)
        return PreparationChange(f"without {name}", f"without-{name}", left)
    return PreparationChange(f"with {name}", f"with-{name}", _added(name, steps))


def _added(name: str, steps: Sequence[Mapping[str, Any]]) -> Steps:
    """The steps with one more, before the first that comes later in the usual order (`prepare.chain`)."""
    order = list(STEPS)
    later = (i for i, step in enumerate(steps) if order.index(step["step"]) > order.index(name))
    at = next(later, len(steps))
    return tuple(map(dict, (*steps[:at], {"step": name}, *steps[at:])))


def _parameter(word: str, name: str, rest: str, steps: Sequence[Mapping[str, Any]]) -> PreparationChange:
    key, equals, text = rest.partition("=")
    if not (key and equals and text):
        raise UsageError(
            f"--vary {word!r}", hint="write STEP or STEP.PARAMETER=VALUE, for instance n4.shrink=2"
        )
    if not any(step["step"] == name for step in steps):
        raise UsageError(
            f"the protocol has no step {name}", where=f"--vary {word}", hint=f"--vary {name} adds it"
        )
    value = strict_yaml.parse(text, f"--vary {word}")
    changed = tuple({**step, **({key: value} if step["step"] == name else {})} for step in steps)
    return PreparationChange(word, _slug(word), changed)


def _other_tool(steps: Sequence[Mapping[str, Any]]) -> PreparationChange:
    """The protocol's brain masks by the tool that it does not use. Scans with a mask of their own stay as they are."""
    used = next((str(step.get(STRIPPER, "auto")) for step in steps if step["step"] == BRAIN_MASK), "")
    if not used:
        raise UsageError(
            f"the protocol has no step {BRAIN_MASK}", where=f"--vary {STRIP}", hint="leave out strip"
        )
    other = available_tool(next(tool for tool in TOOLS if tool != available_tool(used)))
    return _parameter(f"{BRAIN_MASK}.{STRIPPER}={other}", BRAIN_MASK, f"{STRIPPER}={other}", steps)


def _slug(word: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in word.lower()).strip("-")
