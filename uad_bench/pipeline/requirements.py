"""What a method requires of a run, checked before any preparation: modalities, track, weights that saw no test set."""

from collections.abc import Sequence
from typing import Any

from uad_bench import plugins
from uad_bench.config import RunSpec
from uad_bench.data.audit import Finding
from uad_bench.errors import DataError, PluginError, UadError, UsageError
from uad_bench.pipeline.method_names import method_class
from uad_bench.results.method_label import parse_label
from uad_bench.types import SET_TRACKS, TRACKS


def require_unseen(cls: type, spec: RunSpec) -> None:
    """Raise DataError where pretrained weights of a method were trained on a test set (leak L11, UB340).

    Nothing is raised where the run allows leaks.
    """
    seen = _seen_tests(_seen(cls, spec), spec)
    if seen and not spec.allow_leak:
        what = f"leak L11: pretrained weights of {spec.method!r} were trained on {', '.join(seen)}"
        hint = "test on another dataset, or add --allow-leak, which marks the result permanently"
        raise DataError(what, hint=hint, code="UB340")


def require_track(cls: type[Any], spec: RunSpec) -> None:
    """Raise PluginError where a method declares no known track, or scores whole sets in another one (UB407)."""
    from uad_bench.method.base import scores_sets

    track = track_of(cls, spec)
    if track not in TRACKS:
        what, hint = f"method {spec.method!r} declares the track {track!r}", f"tracks: {', '.join(TRACKS)}"
        raise PluginError(what, hint=hint, code="UB407")
    if scores_sets(cls) and track not in SET_TRACKS:
        what = f"method {spec.method!r} scores whole test sets and declares the track {track!r}"
        raise PluginError(what, hint='declare track = "transductive"', code="UB407")


def require_no_case_limit(specs: Sequence[RunSpec], limit_s: float | None) -> None:
    """Raise UsageError for a time limit per case where a method scores whole sets (UB262)."""
    from uad_bench.method.base import scores_sets

    for spec in specs if limit_s is not None else ():
        if scores_sets(method_class(spec)):
            what = f"{spec.method} scores whole test sets, so there is no time limit per case"
            raise UsageError(what, hint="leave out --case-timeout", code="UB262")


def track_of(cls: type[Any], spec: RunSpec) -> str:
    """What the method of a run learns from, with the run's parameters. Raises PluginError where it cannot say it."""
    try:
        return str(cls(**spec.parameters).learns_from())
    except UadError:
        raise
    except Exception as error:
        where, hint = f"{spec.method}.learns_from", "run with --debug for the traceback"
        raise PluginError(f"{type(error).__name__}: {error}", where=where, hint=hint, code="UB402") from error


def require_modalities(cls: type, spec: RunSpec) -> None:
    """Raise UsageError where a method cannot take the modalities that it would see (UB204)."""
    takes, has = cls.modalities, spec.modalities or spec.protocol.modalities  # type: ignore[attr-defined]
    if takes and not set(has) <= set(takes):
        common = [one for one in spec.protocol.modalities if one in takes]
        words = ", ".join(has)
        source = (
            f"and is to see {words}" if spec.modalities else f"protocol {spec.protocol.name!r} has {words}"
        )
        what = f"method {spec.method!r} takes {', '.join(takes)}, {source}"
        hint = "choose a protocol with a modality that it takes"
        if common:
            hint = f"write {_typed(spec)}@{'+'.join(common)}, which sees those alone"
        raise UsageError(what, hint=hint, code="UB204")


def _typed(spec: RunSpec) -> str:
    """What a user writes for the method of a run, without modalities: a registered name, or its file or class."""
    label = parse_label(spec.method)._replace(modalities=())
    return str(label) if ("method", label.name) in plugins.catalogue().entries else spec.target


def borrowed_weights(spec: RunSpec) -> list[Finding]:
    """Rule L11 of the audit: on which datasets the pretrained weights of a method were trained."""
    seen = sorted(set(_seen(method_class(spec), spec)))
    tested = _seen_tests(seen, spec)
    what = f"pretrained weights were trained on {', '.join(seen)}"
    return [Finding("L11", "error" if tested else "note", what, tuple(tested))] if seen else []


def _seen(cls: type[Any], spec: RunSpec) -> tuple[str, ...]:
    """The datasets that a method's weights were trained on. Raises PluginError where `seen` returns no such names
    (UB402)."""
    found = cls(**spec.parameters).seen()
    if not plugins.are_names(found):
        what = f"method {spec.method!r}: seen() returned {found!r:.60}, not a tuple of dataset names"
        raise PluginError(what, hint='return ("one",), with the comma', code="UB402")
    return tuple(found)


def _seen_tests(seen: "tuple[str, ...] | list[str]", spec: RunSpec) -> list[str]:
    return sorted(set(seen) & {plugins.label(name) for name in spec.test})
