"""TorchMethod: what every method with one trained network needs once."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from uad_bench.errors import PluginError
from uad_bench.method.base import Method
from uad_bench.method.context import Context
from uad_bench.method.slices import Batch, score_slices, volumes
from uad_bench.types import FloatArray, Scan


class TorchMethod(Method):
    """A method with a network `net_`. Write `build`, `fit` (a PyTorch loop over `ctx.steps`) and `score`.

    `begin` makes the network for the training scans; `channels_` and `shape_` (X, Y, Z) say what it was made
    for. Weights are kept as safetensors.
    """

    net_: torch.nn.Module
    channels_: int
    shape_: tuple[int, ...]

    def build(self) -> torch.nn.Module:
        """A fresh network for `self.channels_` input channels and volumes of `self.shape_`."""
        raise NotImplementedError

    def begin(self, train: Sequence[Scan], ctx: Context) -> torch.nn.Module:
        """The network, new, on the device, its first weights drawn from the run's seed; in train mode."""
        self.channels_, self.shape_ = len(train[0].modalities), train[0].shape
        torch.manual_seed(int(ctx.rng("weights").integers(2**62)))
        self.net_ = self.build().to(ctx.device)
        return self.net_.train()

    def score_slices(
        self, scan: Scan, ctx: Context, score: Callable[[Batch], torch.Tensor], size: int = 32
    ) -> FloatArray:
        """`slices.score_slices`, the network in eval mode, convolutions in full float32 (unless `score` asks for less).

        Raises PluginError on another grid.
        """
        self._ready_for(scan)
        with whole_float32():
            return score_slices(scan, ctx, score, size)

    def component_slices(
        self, scan: Scan, ctx: Context, ask: Callable[[Batch], Mapping[str, torch.Tensor]], size: int = 32
    ) -> dict[str, FloatArray]:
        """`slices.volumes`, for `components`; otherwise as `score_slices`."""
        self._ready_for(scan)
        with whole_float32():
            return volumes(scan, ctx, ask, size)

    def _ready_for(self, scan: Scan) -> None:
        if scan.shape != self.shape_ or len(scan.modalities) != self.channels_:
            raise PluginError(
                f"the network was trained for {self.channels_} channel(s) on {self.shape_}, "
                f"not {len(scan.modalities)} on {scan.shape}",
                where=scan.case_id,
            )
        self.net_.eval()

    def save(self, folder: Path) -> None:
        """Weights to weights.safetensors; the rest of the learnt state as `Method.save` keeps it."""
        net = self.__dict__.pop("net_")
        try:
            super().save(folder)
        finally:
            self.net_ = net
        save_file(_weights(net), folder / "weights.safetensors")

    def load(self, folder: Path, ctx: Context) -> None:
        """Rebuild the network and read its weights. Raises PluginError where they do not fit."""
        super().load(folder, ctx)
        self.net_ = self.build()
        try:
            self.net_.load_state_dict(load_file(folder / "weights.safetensors"))
        except RuntimeError as error:
            raise PluginError(
                f"stored weights do not fit {type(self).__name__} with these parameters", where=str(folder)
            ) from error
        self.net_.to(ctx.device).eval()


def whole_float32() -> AbstractContextManager[None]:
    """By default a GPU's convolutions round float32 to the ten bits of TF32, and a score with them."""
    cudnn = torch.backends.cudnn
    return cudnn.flags(cudnn.enabled, cudnn.benchmark, deterministic=cudnn.deterministic, allow_tf32=False)


def _weights(net: torch.nn.Module) -> dict[str, Any]:
    return {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
