"""The promises of a plug-in as things to call, and the ways to run them: a list, a stream, pytest."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from uad_bench import plugins
from uad_bench.errors import UadError, UsageError, unknown_name
from uad_bench.method.guard import guarded
from uad_bench.testing.candidate import DatasetCandidate, MethodCandidate, NotChecked
from uad_bench.testing.dataset_checks import DATASET_CHECKS
from uad_bench.testing.method_checks import METHOD_CHECKS

if TYPE_CHECKING:
    import pytest

Status = Literal["kept", "broken", "excused", "not checked"]
Checkable = Literal["method", "dataset"]


@dataclass(frozen=True)
class CheckResult:
    """How one promise went. message: who failed, what was expected, the usual fix; or the excuse."""

    promise: str
    status: Status
    message: str = ""

    @property
    def ok(self) -> bool:
        """Nothing for the author to do."""
        return self.status != "broken"


@dataclass(frozen=True)
class Promise:
    """One check bound to one plug-in. Calling it returns, or raises what is wrong."""

    check: Callable[[Any], None]
    candidate: MethodCandidate | DatasetCandidate

    @property
    def name(self) -> str:
        """The check's name without its first word: the key of `expected_failures`."""
        return self.check.__name__.removeprefix("check_")

    @property
    def excuse(self) -> str:
        """Why the plug-in says that it does not keep this promise; "" where it says nothing."""
        return str(getattr(self.candidate.cls, "expected_failures", {}).get(self.name, ""))

    def __call__(self) -> None:
        """Try it. Global side effects are undone. Raises UadError, NotChecked among them."""
        with guarded(f"{self.candidate.name}, promise {self.name}"):
            self.check(self.candidate)

    def result(self) -> CheckResult:
        """Try it and say how it went. An excuse for a promise that is kept is itself a fault."""
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


def promises(kind: Checkable, cls: type[Any], name: str, root: Path | None = None) -> list[Promise]:
    """Every promise of a plug-in class. `name:variant` takes that variant; `root` is a dataset's folder.

    Raises UsageError for a kind that has no checks.
    """
    parameters = {**_variant(cls, name), **getattr(cls, "tiny", {})}
    if kind == "method":
        method = MethodCandidate(name, cls, parameters)
        return [Promise(check, method) for check in METHOD_CHECKS]
    if kind == "dataset":
        dataset = DatasetCandidate(name, cls, parameters, root)
        return [Promise(check, dataset) for check in DATASET_CHECKS]
    raise UsageError(f"there are no checks for a {kind}", hint="methods and datasets have them")


def _variant(cls: type[Any], name: str) -> dict[str, Any]:
    return dict(getattr(cls, "variants", {}).get(name.partition(":")[2], {}))


def run_checks(kind: Checkable, cls: type[Any], name: str, root: Path | None = None) -> Iterator[CheckResult]:
    """Try the promises of a plug-in class one after the other, and say how each went."""
    for promise in promises(kind, cls, name, root):
        yield promise.result()


def check_method(method: type[Any] | str) -> list[CheckResult]:
    """How a method keeps each promise; it is a class or any name that `uad-bench run` takes."""
    cls, name = _found("method", method)
    return list(run_checks("method", cls, name))


def check_dataset(dataset: type[Any] | str, root: Path | None = None) -> list[CheckResult]:
    """How a dataset keeps each promise, tried on the data in `root` or on its own."""
    cls, name = _found("dataset", dataset)
    return list(run_checks("dataset", cls, name, root))


def parametrize_with_checks(
    kind: Checkable, plug_ins: Iterable[type[Any] | str], root: Path | None = None
) -> "pytest.MarkDecorator":
    """For pytest: one test for each plug-in and promise, with an argument `promise` to call.

    What a plug-in lists in `expected_failures` is a strict xfail with that reason.
    """
    import pytest

    tests = []
    for plug_in in plug_ins:
        cls, name = _found(kind, plug_in)
        for promise in promises(kind, cls, name, root):
            excused = pytest.mark.xfail(reason=promise.excuse, strict=True)
            tests.append(
                pytest.param(promise, id=f"{name}-{promise.name}", marks=excused if promise.excuse else ())
            )
    return pytest.mark.parametrize("promise", tests)


def _found(kind: Checkable, plug_in: type[Any] | str) -> tuple[type[Any], str]:
    """The class and its name, of a class, a registered name, name:variant, module:Class or file."""
    if isinstance(plug_in, type):
        return plug_in, getattr(plug_in, "name", plug_in.__name__)
    base, _, variant = plug_in.partition(":")
    registered = (kind, base) in plugins.catalogue().entries
    cls = plugins.load(plugins.resolve(kind, base if registered else plug_in))
    if registered and variant and variant not in cls.variants:
        raise unknown_name(f"variant of {base}", variant, cls.variants)
    return cls, plug_in
