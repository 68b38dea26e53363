"""Number formats and memory: no float32 copies of normalised features on a GPU, last layers there in float32.

On a CPU these are unchanged. `PaddedConv2d` is for bf16 on a CPU and changes nothing else.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.utils.checkpoint import checkpoint


class GroupNorm(nn.GroupNorm):
    """Group normalisation in the type of its input; means and variances are float32.

    CUDA's autocast computes it in float32 and keeps a float32 copy of the input for the gradient: in a diffusion U-Net
    more memory than everything else.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, C, ...), of the same shape and type."""
        if not x.is_cuda or x.dtype == torch.float32:
            return super().forward(x)
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        with torch.autocast("cuda", enabled=False):
            return functional.group_norm(x, self.num_groups, weight, bias, self.eps)


def recomputed(layers: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> torch.Tensor:
    """The layers' result. On a GPU only their inputs are stored for the gradient, which computes the layers again.

    For layers that are cheap to compute and store several tensors, such as a normalisation and an activation. Values
    and gradients are the same bits; the layers must not draw random numbers.
    """
    if not (inputs[0].is_cuda and torch.is_grad_enabled()):
        return layers(*inputs)
    result: torch.Tensor = checkpoint(layers, *inputs, use_reentrant=False, preserve_rng_state=False)
    return result


class LastInFloat32(nn.Sequential):
    """Layers whose last `wide` are computed in float32: bf16 has steps of 1/256 for images near 1."""

    wide = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As `nn.Sequential`; float32 on a GPU."""
        if not x.is_cuda:
            whole: torch.Tensor = super().forward(x)  # type: ignore[no-untyped-call]
            return whole
        layers = list(self)
        for layer in layers[: -self.wide]:
            x = layer(x)
        with torch.autocast("cuda", enabled=False):
            x = x.float()
            for layer in layers[-self.wide :]:
                x = layer(x)
        return x


class PaddedConv2d(nn.Conv2d):
    """A convolution with stride 1 and an odd square kernel, padded by half of it, so that maps keep their size.

    In bf16 on a CPU, torch 2.13 leaves the gradients of weights that meet only padding uninitialised where a map has
    one pixel. There the weight in the centre alone is used: the same sum, and gradients of 0 for the others.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, bias=bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(n, C, x, y), of the same size."""
        in_bf16 = input.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        if input.shape[-2:] != (1, 1) or not in_bf16:
            return super().forward(input)
        centre = self.kernel_size[0] // 2
        return functional.conv2d(input, self.weight[..., centre : centre + 1, centre : centre + 1], self.bias)


class SpectralNorm(_SpectralNorm):
    """torch's spectral normalisation with its power iteration in float32."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """The weight divided by its largest singular value."""
        with torch.autocast("cuda", enabled=False):
            normalised: torch.Tensor = super().forward(weight)
            return normalised


def spectral_norm(conv: nn.Conv2d) -> nn.Conv2d:
    """`conv` with a spectrally normalised weight."""
    parametrize.register_parametrization(conv, "weight", SpectralNorm(conv.weight))
    return conv
