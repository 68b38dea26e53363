"""The method that a name stands for: NAME, NAME:VARIANT, a file or a class; with @MODALITIES it sees only these.

`NAME:published` is the published method of a NAME that is one of its own variants, where a protocol's preset chooses
another one. `paper/` in front also ignores the protocol's presets.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from uad_bench import plugins
from uad_bench.config import Protocol, RunSpec, checked_parameters
from uad_bench.errors import UsageError, unknown_name
from uad_bench.results.method_label import parse_label, without_modalities

PAPER = "paper/"
#: Stands for the variant without a name: the published method.
PUBLISHED = "published"


@dataclass(frozen=True)
class NamedMethod:
    """A method as a user named it.

    chosen: the parameters that its `:variant` stands for; paper: the method's own defaults, which are those of its
    paper, hold whatever the protocol presets; modalities: those that it is to see, empty for all of the protocol.
    """

    entry: plugins.Entry
    cls: type[Any]
    chosen: Mapping[str, Any]
    paper: bool = False
    modalities: Sequence[str] = ()

    def preset(self, protocol: Protocol) -> dict[str, Any]:
        """The parameters that the protocol presets for this method.

        A preset may choose a variant; where the user names one, the preset's choice is dropped.
        """
        if self.paper:
            return {}
        usual = protocol.presets.get(self.entry.name, {})
        dropped = self.cls.variants.get(variant_of(self.cls, usual), {}) if self.chosen else {}
        return {key: value for key, value in usual.items() if key not in dropped}

    def variant_preset(self, variant: str, protocol: Protocol) -> dict[str, Any]:
        """The parameters that the protocol presets for a variant: keys such as `NAME:VARIANT` or `NAME:conv*`.

        variant: "" for the bare name; its key is `NAME:published` where it is a variant, the published method.
        """
        if not variant and "" not in self.cls.variants:
            return {}
        called = f"{self.entry.name}:{variant or PUBLISHED}"
        known = {} if self.paper else protocol.presets
        found = (one for key, one in known.items() if ":" in key and fnmatchcase(called, key))
        return {name: value for one in found for name, value in one.items()}

    def seen(self, protocol: Protocol) -> tuple[str, ...]:
        """The modalities that the method sees, in the protocol's order; empty where it sees all of them.

        Raises UsageError for one that the protocol has not, or that is named twice (UB204).
        """
        has = protocol.modalities
        wrong = [one for one in self.modalities if one not in has or self.modalities.count(one) > 1]
        if wrong:
            what = f"{self.entry.name}@{'+'.join(self.modalities)}: modality {wrong[0]!r}"
            hint = f"write different ones of protocol {protocol.name!r}: {', '.join(has)}"
            raise UsageError(what, hint=hint, code="UB204")
        some = tuple(one for one in has if one in self.modalities)
        return () if some == has else some

    def parameters(self, protocol: Protocol) -> dict[str, Any]:
        """All parameters that name and protocol set: the method's preset, its variant's, what the name stands for."""
        usual = self.preset(protocol)
        variant = variant_of(self.cls, {**usual, **self.chosen})
        return {**usual, **self.variant_preset(variant, protocol), **self.chosen}


def variant_of(cls: type[Any], values: Mapping[str, Any]) -> str:
    """The variant that some parameters and otherwise the defaults of a class make; "" for none."""
    variants: Mapping[str, Mapping[str, Any]] = cls.variants
    for name, parameters in variants.items():
        if all(values.get(key, getattr(cls, key, None)) == value for key, value in parameters.items()):
            return name
    return ""


def find_method(name: str) -> NamedMethod:
    """The method of a name. Raises UsageError where there is none, or no such variant of it."""
    whole, modalities = without_modalities(name)
    _require_modality_names(name, modalities)
    called = whole if whole.endswith(".py") else whole.removeprefix(PAPER)  # a folder may be named paper/
    paper, (base, _, variant) = called != whole, called.partition(":")
    if variant and ("method", base) in plugins.catalogue().entries:
        entry = plugins.resolve("method", base)
        cls = plugins.load(entry)
        known = {one or PUBLISHED: parameters for one, parameters in cls.variants.items()}
        if variant not in known:
            raise unknown_name(f"variant of {base}", variant, known)
        return NamedMethod(entry, cls, known[variant], paper, modalities)
    entry = plugins.resolve("method", called)
    return NamedMethod(entry, plugins.load(entry), {}, paper, modalities)


def _require_modality_names(name: str, found: Sequence[str]) -> None:
    """Raise UsageError for a registered method before an "@" that no names of modalities follow (UB204)."""
    called, at, rest = name.rpartition("@")
    if (
        found
        or not at
        or ("method", called.removeprefix(PAPER).partition(":")[0]) not in plugins.catalogue().entries
    ):
        return
    proper = "+".join(re.findall("[a-z0-9]+", rest.lower()))
    hint = f"write lower-case names with + between them, such as {called}@{proper or 't2'}"
    raise UsageError(f"{name}: {rest!r} names no modalities", hint=hint, code="UB204")


def changed_parameters(spec: RunSpec) -> dict[str, Any]:
    """The parameters of a run that are neither those of its variant nor those of the protocol's preset.

    {"defaults": "paper"} where they are the method's own defaults under a protocol with a preset.
    """
    cls = method_class(spec)
    base, variant, _ = parse_label(spec.method)
    chosen = cls.variants.get(variant, {})
    if any(spec.parameters.get(key) != value for key, value in chosen.items()):
        chosen = {}  # of a variant without a name, whose parameters these are not
    entry = plugins.Entry("method", base, spec.target, "", spec.source)
    named = [NamedMethod(entry, cls, chosen, paper) for paper in (False, True)]
    own = [
        {**one.preset(spec.protocol), **one.variant_preset(variant, spec.protocol), **chosen} for one in named
    ]
    usual, paper = (checked_parameters(cls, values, base) for values in own)
    changed = {key: value for key, value in spec.parameters.items() if value != usual.get(key)}
    return {"defaults": "paper"} if changed and spec.parameters == paper else changed


def method_class(spec: RunSpec) -> type[Any]:
    """The class of a run's method. Raises PluginError where it cannot be loaded."""
    return plugins.load(plugins.Entry("method", spec.method, spec.target, "", spec.source))
