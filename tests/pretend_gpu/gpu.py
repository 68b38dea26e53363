"""The pretended GPU: every operation is checked as a GPU would, carried out on the CPU, and recorded.

What is real: dispatch keys, autocast (PyTorch's own rules for CUDA), autograd, every number, and where the host would
wait. What is not: CUDA kernels, their rounding and speed, and CUDA's random streams (a CPU's take their place).
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.pretend_gpu.memory import Memory
from tests.pretend_gpu.rules import BETWEEN, COUNTED, INDEXED, LENGTHS, LOOSE
from tests.pretend_gpu.tensor import CPU, Generator, Pretend, indexed

ROOT = Path(__file__).resolve().parents[2]
#: Folders whose lines events name.
SOURCES = tuple(str(ROOT / name) for name in ("uad_bench", "methods/uad_methods", "benchmarks"))


@dataclass
class Event:
    """What a real device would do at a line of the project.

    kind: "sync", the host waits; "h2d", a copy to the device without a wait; "mixed", an error of two devices;
    "loose", a kernel without a deterministic form. stage: see `Gpu.stage`. where: the innermost line of the project.
    """

    kind: str
    what: str
    stage: str
    where: str


@dataclass(eq=False)
class Gpu(TorchDispatchMode):
    """Executes every operation on the CPU, checks devices as CUDA does, and records events.

    A sync is recorded for a number that is read (`item`, `float`, `bool`), a boolean mask as an index, `nonzero`, a
    copy to the host, and a copy to the device unless it is from pinned memory and `non_blocking` (Copy.cu of ATen).

    stage: what the host works on: "step gan 3", "score". hollow: tensors without numbers, for sizes that a CPU cannot
    compute; only memory is then simulated. major: the first number of the compute capability.
    """

    stage: str = ""
    hollow: bool = False
    major: int = 9
    events: list[Event] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    now: "ClassVar[Gpu | None]" = None

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.execute(func, args, kwargs or {})

    def note(self, kind: str, what: str) -> None:
        """Record an event with the innermost line of the project; the loop's own work has a stage of its own."""
        where, stage, frame = "?", self.stage, sys._getframe(1)
        while frame is not None:
            file, name = frame.f_code.co_filename, frame.f_code.co_name
            if where == "?" and file.startswith(SOURCES):
                where = f"{Path(file).relative_to(ROOT)}:{frame.f_lineno} {name}"
            if name in BETWEEN and file.endswith(BETWEEN[name][0]):
                stage = BETWEEN[name][1]
            frame = frame.f_back
        self.events.append(Event(kind, what, stage, where))

    def count(self, kind: str, stage: str) -> Counter[str]:
        """Events of a kind in a stage by what and where; "step" stands for all steps."""
        found = (
            e for e in self.events if e.kind == kind and (e.stage == stage or e.stage.startswith(f"{stage} "))
        )
        return Counter(f"{e.what} at {e.where}" for e in found)

    def execute(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """`func` computed on the CPU; its results report the device where a GPU would have put them."""
        tensors: list[torch.Tensor] = []
        bare_args, bare_kwargs = _bare(args, tensors), {k: _bare(v, tensors) for k, v in kwargs.items()}
        given = [x for x in tensors if isinstance(x, Pretend)]
        target = kwargs.get("device")
        if target is not None:
            target = indexed(torch.device(target))
        if not given and (target is None or target.type != "cuda"):
            return func(*args, **kwargs)
        name = _name(func)
        if name in {"_to_copy", "copy_"}:
            return self._copied(func, name, args, kwargs, target)
        home = self._home(func, name, args, tensors, given)
        self._check_generator(kwargs, target or home)
        self._record(func, name, args)
        if target is not None:
            bare_kwargs["device"] = "meta" if self.hollow else CPU
        bare_kwargs.pop("pin_memory", None)
        out = (_wide_convolution if name == "convolution_backward" else func)(*bare_args, **bare_kwargs)
        if torch.Tag.inplace_view in func.tags:
            with no_dispatch():  # the shape of the tensor itself
                func(*args, **kwargs)
        return self._wrapped(out, given, target or home, name)

    def _home(
        self, func: Any, name: str, args: Any, tensors: Sequence[torch.Tensor], given: Sequence[Pretend]
    ) -> torch.device:
        """The one device of all tensors.

        A tensor without dimensions may stay on the CPU in pointwise operations; the lengths of packed sequences are
        there, too. Raises RuntimeError for two devices.
        """
        if not given:
            return CPU
        home = given[0].device
        strange = [x for x in tensors if x.device != home]
        if not strange or name in LENGTHS or self._may_index(name, args, home):
            return home
        pointwise = torch.Tag.pointwise in func.tags or name in {"masked_fill", "masked_fill_", "where"}
        if (pointwise or name.startswith("_foreach")) and all(
            x.dim() == 0 and x.device == CPU for x in strange
        ):
            written = isinstance(args[0], torch.Tensor) and name.endswith("_") and args[0].device == CPU
            if not written:
                return home
        devices = ", ".join(sorted({str(x.device) for x in tensors}))
        self.note("mixed", name)
        raise RuntimeError(f"Expected all tensors to be on the same device, found {devices} in {func}")

    def _may_index(self, name: str, args: Any, home: torch.device) -> bool:
        """Whether this is an index from the host, which CUDA accepts: it copies the index, and the host waits."""
        if name not in INDEXED or not isinstance(args[0], Pretend):
            return False
        indices = [x for x in args[1] if x is not None]
        if not all(x.device in (home, CPU) for x in indices):
            return False
        for index in indices:
            if index.device == CPU:
                self.note("sync", "index from the host")
        values = args[2] if len(args) > 2 else None
        return values is None or values.device == home or values.dim() == 0

    def _check_generator(self, kwargs: Mapping[str, Any], device: torch.device) -> None:
        """Raise RuntimeError for a generator of another device."""
        generator = kwargs.get("generator")
        home = device if generator is None else Generator.homes.get(generator._cdata, CPU)
        if home != device:
            self.note("mixed", "generator")
            raise RuntimeError(f"Expected a {device} generator but found {home}")

    def _copied(
        self, func: Any, name: str, args: Any, kwargs: Mapping[str, Any], target: torch.device | None
    ) -> Any:
        """`_to_copy` and `copy_`, the two operations that may cross from one device to another."""
        source = args[0] if name == "_to_copy" else args[1]
        goal = (target or source.device) if name == "_to_copy" else args[0].device
        late = kwargs.get("non_blocking", args[2] if name == "copy_" and len(args) > 2 else False)
        if source.device != goal:
            self._record_copy(source, goal, late)
        held = source.held if isinstance(source, Pretend) else source
        if name == "copy_":
            into = args[0].held if isinstance(args[0], Pretend) else args[0]
            func(into, held)
            return args[0]
        rest = {k: v for k, v in kwargs.items() if k not in {"device", "non_blocking", "pin_memory"}}
        if self.hollow and goal.type == "cuda":
            rest["device"] = "meta"
        out = func(held, **rest)
        return Pretend(out, goal) if goal.type == "cuda" else out

    def _record_copy(self, source: torch.Tensor, goal: torch.device, late: bool) -> None:
        if goal == CPU:
            self.note("sync", "to the host")
        elif source.device == CPU and not late:
            self.note("sync", "to the device, blocking")
        elif source.device == CPU:
            pinned = getattr(source, "pinned", False)
            self.note(
                "h2d" if pinned else "sync", "pinned" if pinned else "to the device, from pageable memory"
            )

    def _record(self, func: Any, name: str, args: Any) -> None:
        if name == "_local_scalar_dense" or name in COUNTED:
            self.note("sync", {"_local_scalar_dense": "number read"}.get(name, name))
        if name == "repeat_interleave" and func._overloadname == "Tensor":
            self.note("sync", name)
        if name in INDEXED and any(x is not None and x.dtype in (torch.bool, torch.uint8) for x in args[1]):
            self.note("sync", f"{name} by a mask")
        if name in LOOSE:
            self.note("loose", name)
        if name == "cumsum" and args[0].dtype.is_floating_point:
            self.note("loose", "cumsum of floats")

    def _wrapped(self, out: Any, given: Sequence[Pretend], device: torch.device, name: str) -> Any:
        """The results as tensors on `device`; what was changed in place stays the same object."""
        if device.type != "cuda":
            return out
        if name in {"_pack_padded_sequence", "_pad_packed_sequence"}:
            return Pretend(out[0], device), out[1]
        return _map_tensors(out, {id(x.held): x for x in given}, device)


@cache
def _name(func: Any) -> str:
    """The name of an ATen operation without namespace and overload."""
    return str(func._schema.name.partition("::")[2])


def _bare(value: Any, tensors: list[torch.Tensor]) -> Any:
    """`value` with the held tensors in place of pretended ones; all tensors in it are added to `tensors`.

    Arguments of operations are tensors, lists of tensors and values without tensors; PyTorch's own tree functions
    would take most of the time of a test.
    """
    if isinstance(value, torch.Tensor):
        tensors.append(value)
        return value.held if isinstance(value, Pretend) else value
    if isinstance(value, (list, tuple)):
        return type(value)([_bare(one, tensors) for one in value])
    return value


def _map_tensors(out: Any, own: Mapping[int, Pretend], device: torch.device) -> Any:
    """The results with pretended tensors on `device`; own: arguments by the identity of what they hold."""
    if isinstance(out, torch.Tensor):
        return own[id(out)] if id(out) in own else _pretend(out, device)
    if isinstance(out, (list, tuple)):
        return type(out)([_map_tensors(one, own, device) for one in out])
    return out


def _pretend(held: torch.Tensor, device: torch.device) -> Pretend:
    if held.is_conj() or held.is_neg():
        held = held.resolve_conj().resolve_neg()
    return Pretend(held, device)


def _wide_convolution(*args: Any) -> Any:
    """In float32: on a map of one pixel, torch 2.13 leaves bf16 weight gradients of stride 2 uninitialised on CPUs."""
    given = args[0].dtype
    if args[0].is_meta:
        return torch.ops.aten.convolution_backward(*args)
    wide = torch.ops.aten.convolution_backward(
        *(a.float() if isinstance(a, torch.Tensor) else a for a in args)
    )
    return tuple(None if one is None else one.to(given) for one in wide)
