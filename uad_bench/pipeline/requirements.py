"""What a method asks of a run, and a run of a method, before anything is prepared."""

from uad_bench import plugins
from uad_bench.config import RunSpec
from uad_bench.data.audit import Finding
from uad_bench.errors import DataError, UsageError


def require_unseen(cls: type, spec: RunSpec) -> None:
    """Raise DataError where weights that a method brings have seen a test set (L11), unless the run allows leaks."""
    brought: tuple[str, ...] = cls(**spec.parameters).seen()
    seen = sorted(set(brought) & {plugins.label(name) for name in spec.test})
    if seen and not spec.allow_leak:
        what = f"leak L11: weights that {spec.method!r} brings have seen {', '.join(seen)}"
        hint = "test on another dataset, or add --allow-leak, which marks the result for good"
        raise DataError(what, hint=hint, code="UB340")


def require_modalities(cls: type, spec: RunSpec) -> None:
    """Raise where a method cannot take the protocol's modalities."""
    can, asked = cls.modalities, spec.protocol.modalities  # type: ignore[attr-defined]
    if can and not set(asked) <= set(can):
        raise UsageError(
            f"method {spec.method!r} takes {', '.join(can)}, protocol {spec.protocol.name!r} has "
            f"{', '.join(asked)}",
            hint="choose a protocol with a modality that it takes",
            code="UB204",
        )


def borrowed_weights(spec: RunSpec) -> list[Finding]:
    """L11: what a method says of the weights that it brings."""
    entry = plugins.Entry("method", spec.method, spec.target, "", spec.source)
    seen = sorted(set(plugins.load(entry)(**spec.parameters).seen()))
    tested = set(seen) & {plugins.label(name) for name in spec.test}
    what = f"weights from elsewhere have seen {', '.join(seen)}"
    return [Finding("L11", "error" if tested else "note", what, tuple(sorted(tested)))] if seen else []
