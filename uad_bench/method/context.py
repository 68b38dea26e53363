"""Context: what the harness gives a method besides the scans. The only place that makes random generators."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from uad_bench.errors import UsageError
from uad_bench.method.loop_state import LoopState, Policy
from uad_bench.support.environment import has_bf16

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "fp32", "bf16"]


@dataclass
class Context:
    """Seed, device and helpers. A method gets one for `fit` and for each `score`."""

    seed: int = 0
    device: str = "cpu"
    precision: Precision = "auto"
    policy: Policy = field(default_factory=Policy)
    _loops: LoopState = field(default_factory=LoopState, repr=False)

    @property
    def stopped_early(self) -> bool:
        """Whether a time budget ended a training loop early; the run records it."""
        return self._loops.stopped_early

    def rng(self, *key: object) -> np.random.Generator:
        """A generator that depends on the run's seed and `key` alone; asked again, it starts again.

        One that is kept and drawn from through a `ctx.steps` loop is saved and restored with the checkpoints.
        """
        name = repr(key)
        return self._loops.track(name, np.random.PCG64(_derive(self.seed, name, 16)))

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

    def log(self, **values: Any) -> None:  # tensors or numbers
        """Report figures of the current step, `ctx.log(loss=loss)`. A `loss` that is not finite ends the run.

        Tensors are kept on their device and read in batches, so logging does not stall the device.
        """
        self._loops.logged.update(values)

    def steps(
        self,
        total: int,
        *,
        name: str = "",
        validate: Callable[[], float] | None = None,
        every: int = 0,
        **state: Any,  # whatever has a state_dict
    ) -> Iterator[int]:
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
        phase = name or f"phase{self._loops.phases}"
        self._loops.phases += 1
        yield from Loop(self.policy, self._loops, phase, total, state, validate, every).run()


def _derive(seed: int, key: str, size: int) -> int:
    """`size` bytes of a seed for one purpose; unrelated for any two (seed, key)."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:size], "little")
