"""The promises of a plug-in or a preparation step, and the ways to check them: a list, a stream, pytest."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from uad_bench import plugins
from uad_bench.config import validated
from uad_bench.errors import UadError, UsageError, unknown_name
from uad_bench.method.guard import guarded
from uad_bench.prepare.chain import parse_steps
from uad_bench.prepare.step import CaseVolumes, Step
from uad_bench.testing.candidate import DatasetCandidate, MethodCandidate, NotChecked
from uad_bench.testing.dataset_checks import DATASET_CHECKS
from uad_bench.testing.method_checks import METHOD_CHECKS
from uad_bench.testing.metric_candidate import MetricCandidate
from uad_bench.testing.metric_checks import METRIC_CHECKS
from uad_bench.testing.step_candidate import StepCandidate
from uad_bench.testing.step_checks import STEP_CHECKS

if TYPE_CHECKING:
    import pytest

log = logging.getLogger(__name__)

Status = Literal["kept", "broken", "excused", "not checked"]
Checkable = Literal["method", "dataset", "metric", "step"]
Candidate = MethodCandidate | DatasetCandidate | MetricCandidate | StepCandidate
#: A class, any name of it (registered name, name:variant, module:Class, file), or a step with its parameters.
Checked = type[Any] | str | Step | Mapping[str, Any]

_CHECKS: Mapping[str, Sequence[Callable[[Any], None]]] = {
    "method": METHOD_CHECKS,
    "dataset": DATASET_CHECKS,
    "metric": METRIC_CHECKS,
    "step": STEP_CHECKS,
}


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    status: "kept", "broken", "excused" (an expected failure that the plug-in declares) or "not checked" (the promise
    does not apply, or could not be tested). message: who failed, what was expected, what was found and the usual fix;
    for an expected failure or an unchecked promise the reason.
    """

    promise: str
    status: Status
    message: str = ""

    @property
    def ok(self) -> bool:
        """True unless the promise is broken."""
        return self.status != "broken"


@dataclass(frozen=True)
class Promise:
    """One check bound to one candidate. Calling it returns nothing, or raises the error that the check found."""

    check: Callable[[Any], None]
    candidate: Candidate

    @property
    def name(self) -> str:
        """The name of the check without "check_": the key of `expected_failures`."""
        return self.check.__name__.removeprefix("check_")

    @property
    def excuse(self) -> str:
        """The reason that the plug-in declares in `expected_failures`; "" if it declares none."""
        return str(getattr(self.candidate.cls, "expected_failures", {}).get(self.name, ""))

    def __call__(self) -> None:
        """Run the check and undo global side effects. Raises UadError, of which NotChecked is one."""
        with guarded(f"{self.candidate.name}, promise {self.name}"):
            self.check(self.candidate)

    def result(self) -> CheckResult:
        """Run the check and report the outcome. An expected failure that does not occur counts as broken."""
        try:
            self()
        except NotChecked as reason:
            return CheckResult(self.name, "not checked", str(reason))
        except UadError as error:
            if self.excuse:
                return CheckResult(self.name, "excused", self.excuse)
            return CheckResult(self.name, "broken", str(error))
        if self.excuse:
            return CheckResult(self.name, "broken", "is kept: take it out of `expected_failures`")
        return CheckResult(self.name, "kept")


def promises(kind: Checkable, cls: type[Any] | Step, name: str, root: Path | None = None) -> list[Promise]:
    """All promises of a class, in the order of the checks; of a preparation step, of an object with its parameters.

    name: what messages call it; `name:variant` of a method selects the variant. root: the folder of a dataset.
    Raises UsageError for a kind without checks.
    """
    if kind not in _CHECKS:
        raise UsageError(f"there are no checks for a {kind}", hint=f"kinds with checks: {', '.join(_CHECKS)}")
    candidate = _candidate(kind, cls, name, root)
    return [Promise(check, candidate) for check in _CHECKS[kind]]


def _candidate(kind: Checkable, cls: Any, name: str, root: Path | None) -> Candidate:  # a class, or a Step
    if kind == "metric":
        return MetricCandidate(name, cls)
    if kind == "step":
        return StepCandidate(name, cls if isinstance(cls, Step) else validated(cls, {}, f"step {name}"))
    parameters = {**_variant(cls, name), **getattr(cls, "tiny", {})}
    if kind == "method":
        return MethodCandidate(name, cls, parameters)
    return DatasetCandidate(name, cls, parameters, root)


def _variant(cls: type[Any], name: str) -> dict[str, Any]:
    return dict(getattr(cls, "variants", {}).get(name.partition(":")[2], {}))


def run_checks(
    kind: Checkable, cls: type[Any] | Step, name: str, root: Path | None = None
) -> Iterator[CheckResult]:
    """The outcome of each promise, one after the other. Arguments and errors as in `promises`."""
    for promise in promises(kind, cls, name, root):
        yield promise.result()


def check_method(method: type[Any] | str) -> list[CheckResult]:
    """The outcome of every check of a method: a class, or any name that `uad-bench run` takes.

    The method is fitted on toy scans with the parameters in its class attribute `tiny`. Raises UsageError for an
    unknown name or variant, and for a method that needs files which are not given (UB206), PluginError for a class
    that cannot be loaded. docs/plugins.md has an example.
    """
    cls, name = _found("method", method)
    _require_inputs(cls, name)
    return list(run_checks("method", cls, name))


def _require_inputs(cls: type[Any], name: str) -> None:
    """Raise UsageError (UB206) where a method refuses its default parameters: it needs a file, such as weights."""
    try:
        MethodCandidate(name, cls, {**_variant(cls, name), **getattr(cls, "tiny", {})}).new()
    except UsageError as error:
        what = f"method {name!r} cannot be checked without what it needs: {error.what}"
        raise UsageError(what, where=error.where, hint=error.hint, code="UB206") from error
    except Exception:  # a promise reports it
        log.debug("%s cannot be built", name, exc_info=True)


def check_dataset(dataset: type[Any] | str, root: Path | None = None) -> list[CheckResult]:
    """The outcome of every check of a dataset, on the data in `root` or in the folder that it makes itself.

    Raises as `check_method`.
    """
    cls, name = _found("dataset", dataset)
    return list(run_checks("dataset", cls, name, root))


def check_metric(metric: type[Any] | str) -> list[CheckResult]:
    """The outcome of every check of a metric, on toy anomaly maps with lesions, without lesions and without brain.

    Raises as `check_method`.

    >>> all(result.ok for result in check_metric("ap"))
    True
    """
    cls, name = _found("metric", metric)
    return list(run_checks("metric", cls, name))


def check_step(
    step: type[Step] | Step | Mapping[str, Any] | str, case: CaseVolumes | None = None
) -> list[CheckResult]:
    """The outcome of every check of a preparation step.

    step: a name, a class, an object, or an entry of a protocol's list `prepare` with its parameters. case: what the
    step is applied to; by default a synthetic brain with two modalities and a lesion on a grid of 5 mm, RAS+. Raises
    UsageError for an unknown step or parameter.

    >>> all(result.ok for result in check_step({"step": "scale", "percentiles": (1, 99)}))
    True
    """
    found, name = _found("step", step)
    candidate = StepCandidate(name, found) if case is None else StepCandidate(name, found, case)
    return [Promise(check, candidate).result() for check in STEP_CHECKS]


def parametrize_with_checks(
    kind: Checkable, plug_ins: Iterable[Checked], root: Path | None = None
) -> "pytest.MarkDecorator":
    """A pytest decorator: one test for each plug-in and promise, with the argument `promise` to call.

    Reasons in `expected_failures` make strict xfails. Raises as `check_method`.
    """
    import pytest

    tests = []
    for plug_in in plug_ins:
        cls, name = _found(kind, plug_in)
        for promise in promises(kind, cls, name, root):
            expected = pytest.mark.xfail(reason=promise.excuse, strict=True)
            tests.append(
                pytest.param(promise, id=f"{name}-{promise.name}", marks=expected if promise.excuse else ())
            )
    return pytest.mark.parametrize("promise", tests)


def _found(kind: Checkable, plug_in: Checked) -> tuple[Any, str]:
    """The class (the object, for a step) and the name that messages use."""
    if kind == "step":
        return _step(plug_in)
    if isinstance(plug_in, type):
        return plug_in, getattr(plug_in, "name", plug_in.__name__)
    name = str(plug_in)
    base, _, variant = name.partition(":")
    registered = (kind, base) in plugins.catalogue().entries
    cls = plugins.load(plugins.resolve(kind, base if registered else name))
    if registered and variant and variant not in getattr(cls, "variants", {}):
        raise unknown_name(f"variant of {base}", variant, getattr(cls, "variants", {}))
    return cls, name


def _step(given: Checked) -> tuple[Step, str]:
    """A preparation step with its parameters, and its name."""
    if isinstance(given, type):
        step = validated(given, {}, f"step {given.__name__}")
    elif isinstance(given, Step):
        step = given
    else:
        (step,) = parse_steps([{"step": given} if isinstance(given, str) else given])
    return step, str(getattr(step, "step", type(step).__name__))
