"""TorchMethod: the base class of methods with a trained network."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from uad_bench.errors import PluginError
from uad_bench.method.base import Method
from uad_bench.method.context import Context
from uad_bench.method.precision import whole_float32
from uad_bench.method.slices import Batch, score_slices, volumes
from uad_bench.types import FloatArray, Scan


class TorchMethod(Method):
    """A method with a network `net_`. Write `build`, `fit` (a PyTorch loop over `ctx.steps`) and `score`.

    `begin` builds the network for the training scans and sets `channels_`, the number of modalities, and `shape_`
    (X, Y, Z); scans with another grid or number of modalities are refused at scoring. Weights are saved as
    safetensors.

    >>> from dataclasses import dataclass
    >>> from uad_bench.method.slices import SliceStack
    >>> from uad_bench.testing import toy_scans
    >>> @dataclass
    ... class Blur(TorchMethod):
    ...     steps: int = 3
    ...
    ...     def build(self):
    ...         return torch.nn.Conv2d(self.channels_, self.channels_, 5, padding=2)
    ...
    ...     def fit(self, train, val, ctx):
    ...         net, stack = self.begin(train, ctx), SliceStack(train, ctx)
    ...         opt = torch.optim.Adam(net.parameters(), 1e-2)
    ...         for step in ctx.steps(self.steps, net=net, opt=opt):
    ...             image = stack.batch(step, 8).image
    ...             loss = (net(image) - image).abs().mean()
    ...             ctx.log(loss=loss)
    ...             opt.zero_grad()
    ...             loss.backward()
    ...             opt.step()
    ...
    ...     def score(self, scan, ctx):
    ...         return self.score_slices(scan, ctx, lambda b: (self.net_(b.image) - b.image).abs().mean(dim=1))
    >>> method, ctx = Blur(), Context(seed=0)
    >>> method.fit(toy_scans(2), [], ctx)
    >>> (scan,) = toy_scans(1, prefix="test")
    >>> method.score(scan, ctx).shape == scan.shape
    True
    """

    net_: torch.nn.Module
    channels_: int
    shape_: tuple[int, ...]

    def build(self) -> torch.nn.Module:
        """A new network for `self.channels_` modalities and volumes of shape `self.shape_`."""
        raise NotImplementedError

    def begin(self, train: Sequence[Scan], ctx: Context) -> torch.nn.Module:
        """A new network in train mode on the device, initialised from the run's seed; also stored as `net_`."""
        self.channels_, self.shape_ = len(train[0].modalities), train[0].shape
        torch.manual_seed(int(ctx.rng("weights").integers(2**62)))
        self.net_ = self.build().to(ctx.device)
        return self.net_.train()

    def score_slices(
        self, scan: Scan, ctx: Context, score: Callable[[Batch], torch.Tensor], size: int | None = 32
    ) -> FloatArray:
        """The anomaly map (X, Y, Z), float32, from `score`: Batch of slices with brain -> (n, X, Y).

        The network is in eval mode without gradients, and convolutions do not use TF32. size: slices per batch, which
        is halved where memory ends; None for all slices of the volume at once, always. Slices without brain stay 0.
        Raises PluginError for another grid or number of modalities than in training.
        """
        self._prepare_scoring(scan)
        with whole_float32():
            return score_slices(scan, ctx, score, size)

    def component_slices(
        self,
        scan: Scan,
        ctx: Context,
        compute: Callable[[Batch], Mapping[str, torch.Tensor]],
        size: int | None = 32,
    ) -> dict[str, FloatArray]:
        """Volumes (..., X, Y, Z) by name from one pass, for `components`: `compute` returns (n, ..., X, Y) per name.

        Otherwise as `score_slices`. Empty for a scan without brain.
        """
        self._prepare_scoring(scan)
        with whole_float32():
            return volumes(scan, ctx, compute, size)

    def _prepare_scoring(self, scan: Scan) -> None:
        """Eval mode. Raises PluginError for a scan that the network was not built for."""
        if scan.shape != self.shape_ or len(scan.modalities) != self.channels_:
            raise PluginError(
                f"the network was trained for {self.channels_} channel(s) on {self.shape_}, "
                f"not {len(scan.modalities)} on {scan.shape}",
                where=scan.case_id,
            )
        self.net_.eval()

    def save(self, folder: Path) -> None:
        """Write the weights to weights.safetensors, the rest of the learnt state as `Method.save`."""
        net = self.__dict__.pop("net_")
        try:
            super().save(folder)
        finally:
            self.net_ = net
        save_file(_weights(net), folder / "weights.safetensors")

    def load(self, folder: Path, ctx: Context) -> None:
        """Build the network and read its weights. Raises PluginError for weights of another network."""
        super().load(folder, ctx)
        self.net_ = self.build()
        try:
            self.net_.load_state_dict(load_file(folder / "weights.safetensors"))
        except RuntimeError as error:
            what = f"stored weights do not fit {type(self).__name__} with these parameters"
            hint = "use the parameters and the version of the method that stored them"
            raise PluginError(what, where=str(folder), hint=hint) from error
        self.net_.to(ctx.device).eval()


def _weights(net: torch.nn.Module) -> dict[str, Any]:
    return {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
