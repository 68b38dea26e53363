"""Context: seed, device and training loop for a method. The only place that makes random generators."""

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
    """What a method gets besides the scans, in `fit` and in each `score`.

    seed: of the run; every random generator is derived from it. device: "cpu", "cuda" or "cuda:1". precision: "auto"
    (bf16 autocast where the device computes in it; what stays in float32 may be rounded to TF32), "fp32" (float32
    throughout, without TF32) or "bf16". policy: checkpoints, budget and progress of
    training loops; set by the run, not by the method.

    >>> ctx = Context(seed=3)
    >>> ctx.rng("noise", 1).random() == Context(seed=3).rng("noise", 1).random()
    True
    """

    seed: int = 0
    device: str = "cpu"
    precision: Precision = "auto"
    policy: Policy = field(default_factory=Policy)
    _loops: LoopState = field(default_factory=LoopState, repr=False)

    def __post_init__(self) -> None:
        """Tell the training loops the device, whose random state checkpoints contain."""
        self._loops.device = self.device

    @property
    def stopped_early(self) -> bool:
        """True if a time budget ended a training loop; the run records it."""
        return self._loops.stopped_early

    @property
    def earlier_s(self) -> float:
        """Seconds of training in earlier processes that were interrupted and that this one continues."""
        return self._loops.earlier_s

    def require_trained(self) -> None:
        """Raise again what ended a training loop, such as Ctrl-C: a method that caught it is not trained."""
        if self._loops.ended_by is not None:
            raise self._loops.ended_by

    def rng(self, *key: object) -> np.random.Generator:
        """A numpy generator that depends on the seed and `key` only; every call starts it anew.

        A generator that is kept and used throughout a `ctx.steps` loop is saved and restored with the checkpoints.
        """
        name = repr(key)
        return self._loops.track(name, np.random.PCG64(_derive(self.seed, name, 16)))

    def torch_rng(self, *key: object, device: str | None = None) -> "torch.Generator":
        """The same for torch, on `device` (default: the run's). Checkpoints do not keep its state."""
        import torch

        return torch.Generator(device or self.device).manual_seed(_derive(self.seed, f"torch:{key!r}", 7))

    def autocast(self, *, on_cpu: bool = False) -> AbstractContextManager[Any]:
        """bf16 autocast where the device computes in bf16 or the run sets it, else a context without effect.

        For training; compute scores outside it, in float32. on_cpu: the network is also faster in bf16 on a CPU that
        computes in it. Convolutions are; transposed convolutions were measured 8 times slower.
        """
        import torch

        kind = torch.device(self.device).type
        able = self.precision == "auto" and (on_cpu or kind != "cpu") and has_bf16(self.device)
        wanted = self.precision == "bf16" or able
        return torch.autocast(kind, torch.bfloat16) if wanted else nullcontext()

    def log(self, **values: Any) -> None:  # tensors or numbers
        """Record figures of the current step: `ctx.log(loss=loss)`. A `loss` that is not finite ends the training.

        Tensors stay on their device and are read in batches, so that logging does not wait for the device.
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
        """The steps 0 ... total - 1 of a training loop that can be interrupted and resumed.

        The loop body is plain PyTorch; this generator saves checkpoints, resumes, keeps the best weights, applies the
        time budget and shows progress.

        name: of the phase, for a method with several loops. state: all objects with a `state_dict` that the loop
        changes (`net=net, opt=opt`). They are restored from the last checkpoint together with the random states of
        torch and of this context, so that a resumed training gives the same bits on a CPU. validate: called in eval
        mode without gradients every `every` steps (default: a tenth of `total`) and at the end; the modules get the
        weights with the lowest value when the loop ends. Leaving the loop by `break` keeps the current weights.

        Raises UsageError for fewer than one step, PluginError at the first loss that is not finite. A method that
        catches this, or the KeyboardInterrupt of Ctrl-C, has ended its training nevertheless: no loop begins after it,
        and the run stores no model.

        >>> import torch
        >>> net = torch.nn.Linear(1, 1, bias=False)
        >>> for step in Context().steps(5, net=net, every=1, validate=lambda: abs(net.weight.item() - 2)):
        ...     with torch.no_grad():
        ...         _ = net.weight.fill_(step)
        >>> net.weight.item()  # of the step with the lowest validation value
        2.0
        """
        from uad_bench.method.training_loop import Loop

        self.require_trained()
        if total < 1:
            raise UsageError(f"a training loop of {total} steps", hint="give at least one step")
        phase = name or f"phase{self._loops.phases}"
        self._loops.phases += 1
        yield from Loop(self.policy, self._loops, phase, total, state, validate, every).run()


def _derive(seed: int, key: str, size: int) -> int:
    """`size` bytes of a seed for one purpose; unrelated for any two (seed, key)."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:size], "little")
