"""The whole life of one method on the pretended GPU: fit, resume, save, load, score, components."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from tests.pretend_gpu import methods
from tests.pretend_gpu.gpu import Event, Gpu
from tests.pretend_gpu.torch_patches import pretending
from uad_bench.method.base import Method
from uad_bench.method.context import Context
from uad_bench.method.explanation import explain_scan
from uad_bench.method.guard import score_scan
from uad_bench.method.loop_state import Policy
from uad_bench.method.training_loop import Loop
from uad_bench.testing.toy import toy_scans
from uad_bench.types import FloatArray


@dataclass(frozen=True)
class Setting:
    """Where and on what a method runs."""

    device: str = "cuda"
    precision: str = "fp32"
    modalities: tuple[str, ...] = ("t2",)
    depth: int = 8

    def __str__(self) -> str:
        return f"{self.device}-{self.precision}-{len(self.modalities)}"


@dataclass
class Story:
    """What happened. map: of one scan, and the same of the method that was loaded, loaded on the CPU, and resumed.

    None: not asked for. A map in bf16 is not compared with that of the CPU.
    """

    name: str
    setting: Setting
    map: FloatArray
    loaded: FloatArray | None
    on_cpu: FloatArray | None
    resumed: FloatArray | None
    components: Mapping[str, Any]
    events: list[Event] = field(repr=False)

    def stage(self, stage: str, kind: str = "sync") -> list[str]:
        """What events of a kind happened in a stage, and where."""
        return [f"{e.what} at {e.where}" for e in self.events if e.kind == kind and e.stage == stage]

    def later_steps(self) -> list[str]:
        """The syncs in every training step but the first of its phase, which may copy constants to the device."""
        steps = [e for e in self.events if e.kind == "sync" and e.stage.startswith("step ")]
        return [f"{e.what} at {e.where} in {e.stage}" for e in steps if not e.stage.endswith(" 0")]


class Killed(BaseException):
    """Ends a training from inside."""


def tell(name: str, setting: Setting, whole: bool = True, **options: Any) -> Story:
    """Run a method through its life; `options` are those of `pretending`. Raises what the method raises.

    whole: with a second training, which is killed and resumed, and with a load on the same device.
    """
    torch.use_deterministic_algorithms(True, warn_only=True)  # as in a run
    with tempfile.TemporaryDirectory() as folder, pretending(**options) as gpu:
        life = _Life(name, setting, Path(folder), gpu)
        method = life.fit("setup")
        gpu.stage = "first score"
        life.score(method, life.fresh[1])
        gpu.stage = "score"
        found = life.score(method, life.fresh[0])
        gpu.stage = "components"
        components = {}
        if type(method).components is not Method.components:
            components = explain_scan(method, life.fresh[0], life.context(), name)
        gpu.stage = "again"
        place = life.saved(method)
        on_cpu = life.loaded(place, "cpu") if setting.precision == "fp32" else None
        loaded = life.loaded(place, setting.device) if whole else None
        resumed = life.resumed() if whole else None
        return Story(name, setting, found, loaded, on_cpu, resumed, components, gpu.events)


class _Life:
    """The scans and settings of a story."""

    def __init__(self, name: str, setting: Setting, folder: Path, gpu: Gpu) -> None:
        self.name, self.setting, self.folder, self.gpu = name, setting, folder, gpu
        shape = (16, 32, setting.depth)
        self.train, self.val, self.fresh = (
            toy_scans(n, setting.modalities, prefix=prefix, shape=shape)
            for n, prefix in ((4, "train"), (2, "val"), (2, "fresh"))
        )

    def context(self, policy: Policy | None = None) -> Context:
        return Context(
            device=self.setting.device, precision=self.setting.precision, policy=policy or Policy()
        )

    def fit(self, label: str, policy: Policy | None = None) -> Method:
        """A trained method; `label` is the stage before the first step."""
        self.gpu.stage = label
        method = methods.made(self.name, self.folder)
        with mock.patch.object(Loop, "run", _watched(self.gpu, Loop.run)):
            method.fit(self.train, self.val, self.context(policy))
        return method

    def score(self, method: Method, scan: Any) -> FloatArray:
        return score_scan(method, scan, self.context(), self.name)

    def saved(self, method: Method) -> Path:
        """The folder of the stored method."""
        place = self.folder / "model"
        place.mkdir()
        method.save(place)
        return place

    def loaded(self, place: Path, device: str) -> FloatArray:
        """The map of the stored method, loaded on a device."""
        back, ctx = (
            methods.made(self.name, self.folder),
            Context(device=device, precision=self.setting.precision),
        )
        back.load(place, ctx)
        return score_scan(back, self.fresh[0], ctx, self.name)

    def resumed(self) -> FloatArray:
        """The map of a method whose training was killed after two steps and resumed."""
        place, events = self.folder / "checkpoints", list(self.gpu.events)
        place.mkdir()

        def kill(values: Mapping[str, Any]) -> None:
            if values["step"] >= 1:
                raise Killed

        try:
            method = self.fit("again", Policy(folder=place, checkpoint_minutes=0, sink=kill))
        except Killed:
            method = self.fit("again", Policy(folder=place, resume=True))
        self.gpu.events[:] = events
        return self.score(method, self.fresh[0])


def _watched(gpu: Gpu, run: Any) -> Any:
    """`Loop.run` that tells the pretended GPU its steps."""

    def watched(self: Loop) -> Iterator[int]:
        for step in run(self):
            gpu.stage = f"step {self.phase} {step}"
            yield step
            gpu.stage = f"between {self.phase}"
        gpu.stage = "after"

    return watched


def difference(a: FloatArray, b: FloatArray) -> float:
    """The largest difference of two maps, relative to the largest value."""
    return float(np.abs(a - b).max() / max(1e-12, np.abs(b).max()))
