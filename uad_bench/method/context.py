"""Context: what the harness gives a method besides the scans. The only place that makes random generators."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakValueDictionary

import numpy as np

from uad_bench.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "fp32", "bf16"]
Sink = Callable[[dict[str, Any]], None]


class _Generator(np.random.Generator):
    """A numpy generator that can be referred to weakly."""


@dataclass
class Policy:
    """How long a training loop may run and how it is kept alive; belongs to the run, not to the method.

    folder: where checkpoints go (None: none are written); resume: go on from them; checkpoint_minutes: how
    often; time_budget_s: seconds of training in all, counted across resumes (None: no limit);
    sink: receives {"phase", "step", "loss", ...}; rewind(phase, step): what the sink got of this phase from that
    step on will come again; progress: draw a bar on stderr.
    """

    folder: Path | None = None
    resume: bool = False
    checkpoint_minutes: float = 2.0
    time_budget_s: float | None = None
    progress: bool = False
    sink: Sink | None = None
    rewind: Callable[[str, int], None] | None = None


@dataclass
class Context:
    """Seed, device and helpers. A method gets one for `fit` and for each `score`."""

    seed: int = 0
    device: str = "cpu"
    precision: Precision = "auto"
    policy: Policy = field(default_factory=Policy)
    #: Set where a time budget ended a training loop early; the run records it.
    stopped_early: bool = False
    # Only those that somebody still holds: a checkpoint keeps the state of these.
    _generators: WeakValueDictionary[str, np.random.Generator] = field(
        default_factory=WeakValueDictionary, repr=False
    )
    _logged: dict[str, Any] = field(default_factory=dict, repr=False)
    _phases: int = field(default=0, repr=False)
    _spent_s: float = field(default=0.0, repr=False)  # by the phases that ended

    def rng(self, *key: object) -> np.random.Generator:
        """A generator that depends on the run's seed and `key` alone; asked again, it starts again.

        One that is kept and drawn from through a `ctx.steps` loop is saved and restored with the checkpoints.
        """
        name = repr(key)
        generator = _Generator(np.random.PCG64(_derive(self.seed, name, 16)))
        self._generators[name] = generator
        return generator

    def torch_rng(self, *key: object, device: str | None = None) -> "torch.Generator":
        """The same for torch: a fresh generator on `device` (default: the run's)."""
        import torch

        return torch.Generator(device or self.device).manual_seed(_derive(self.seed, f"torch:{key!r}", 7))

    def autocast(self, *, on_cpu: bool = False) -> AbstractContextManager[Any]:
        """bf16 autocast where the device computes in it, or where the run asks for it; else nothing.

        For training; a score that is called exact is computed outside it, in float32. on_cpu: this network
        gains on CPUs that have bf16 too. Convolutions do, transposed ones lose: 8 times slower was measured.
        """
        import torch

        kind = torch.device(self.device).type
        able = self.precision == "auto" and (on_cpu or kind != "cpu") and has_bf16(kind)
        wanted = self.precision == "bf16" or able
        return torch.autocast(kind, torch.bfloat16) if wanted else nullcontext()

    def log(self, **values: Any) -> None:  # noqa: ANN401  # tensors or numbers
        """Report figures of the current step, `ctx.log(loss=loss)`. A `loss` that is not finite ends the run.

        Tensors are kept on their device and read in batches, so logging does not stall the device.
        """
        self._logged.update(values)

    def steps(self, total: int, *, name: str = "", validate: Callable[[], float] | None = None,
              every: int = 0, **state: Any) -> Iterator[int]:  # noqa: ANN401  # fmt: skip
        """Yield 0 .. total-1 and keep the loop around it alive; the loop itself stays plain PyTorch.

        state: everything with a `state_dict` that the loop changes (`net=net, opt=opt`); it is restored from
        the last checkpoint, with the torch and ctx random states, so a resumed run is bit-equal on a CPU.
        validate: called in eval mode without gradients every `every` steps (default: a tenth of them) and at
        the end; the weights with the lowest answer are what the modules hold when the loop ends.
        Raises PluginError at the first loss that is not finite. A loop that is left by `break` keeps the weights
        of that moment.
        """
        from uad_bench.method.training_loop import Loop

        if total < 1:
            raise UsageError(f"a training loop of {total} steps", hint="give at least one step")
        phase = name or f"phase{self._phases}"
        self._phases += 1
        yield from Loop(self, phase, total, state, validate, every).run()


def _derive(seed: int, key: str, size: int) -> int:
    """`size` bytes of a seed for one purpose; unrelated for any two (seed, key)."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:size], "little")


def has_bf16(kind: str) -> bool:
    """Whether a kind of device ("cpu", "cuda") multiplies in bf16 itself; elsewhere bf16 only costs time."""
    import torch

    if kind == "cpu":
        able: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(able.get("amx_bf16") or able.get("avx512_bf16"))
    return kind == "cuda" and torch.cuda.is_bf16_supported()


def resolve_device(device: str) -> str:
    """Turn "auto" into cuda where there is one, else cpu. Raises EnvironmentFault for a missing one."""
    if device == "cpu":
        return device
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        hint = "use --device auto"
        raise EnvironmentFault(f"device {device!r} cannot be used", where=first, hint=hint) from error
    return device
