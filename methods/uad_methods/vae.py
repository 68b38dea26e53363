"""VAE: the AE with a Gaussian code; the anomaly map is the residual, the gradient of the KL term, or their product."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch

from uad_bench import Context
from uad_bench.method.slices import Batch
from uad_methods.ae import AE
from uad_methods.parts.images.residual import absolute_error
from uad_methods.parts.networks.autoencoder import Autoencoder


@dataclass
class VAE(AE):
    """The AE with a Gaussian code and a KL term in the loss (Baur et al. 2021).

    At test time the mean code is decoded, so the map is deterministic; the published code samples. Dropout
    acts on the sampled code, as in the AE; the published code also drops log sigma, which sets sigma to 1.

    Variants (Zimmerer et al. 2019, arXiv 1907.02796), with the same training: `gradient`, the mean over
    modalities of |dKL/dx|; `product`, that times the residual.

    Hyper-parameters, in addition to those of `AE`:
        kl: weight of the KL term, 1 relative to an L1 loss *summed* over the slice; for a mean L1 it would be
            1 / pixels.
        scored: the anomaly map, "residual" or the variant's name.
        dropout: probability, on the sampled code and on the expanded vector.
    """

    kl: float = 1.0
    scored: Literal["residual", "gradient", "product"] = "residual"

    version: ClassVar[int] = 2  # initialisation after Glorot
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "gradient": {"scored": "gradient"},
        "product": {"scored": "product"},
    }

    def build(self) -> Autoencoder:
        """Network for slices (X, Y) of `shape_`."""
        return Autoencoder(self.channels_, (self.shape_[0], self.shape_[1]), self.dropout, gaussian=True)

    def loss(self, images: torch.Tensor, ctx: Context) -> torch.Tensor:
        """The AE's loss plus `kl` times the KL divergence of the code from N(0, 1), averaged over slices: a scalar."""
        with ctx.autocast():
            output = self.net_(images)
        error = absolute_error(images, output.image).sum(dim=(1, 2, 3))
        return (error + self.kl * kl_divergence(output.mean.float(), output.log_sigma.float())).mean()

    def _residual(self, batch: Batch) -> torch.Tensor:
        if self.scored == "residual":
            return super()._residual(batch)
        kl_gradient = self.kl_gradient(batch.image).abs().mean(dim=1) * batch.brain
        return kl_gradient if self.scored == "gradient" else kl_gradient * super()._residual(batch)

    def kl_gradient(self, images: torch.Tensor) -> torch.Tensor:
        """dKL/dx of slices (n, C, X, Y), of the same shape.

        The network must be in eval mode, in which slices do not influence each other.
        """
        with torch.enable_grad():
            leaf = images.detach().clone().requires_grad_()
            output = self.net_(leaf)
            (found,) = torch.autograd.grad(kl_divergence(output.mean, output.log_sigma).sum(), leaf)
        return found


def kl_divergence(mean: torch.Tensor, log_sigma: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, sigma) || N(0, 1)), summed over the code: (n, d) each -> (n,), at least 0.

    0.5 * sum(mean^2 + sigma^2 - ln sigma^2 - 1). log_sigma is the logarithm of the standard deviation, not of
    the variance.
    """
    return 0.5 * (mean**2 + (2 * log_sigma).exp() - 2 * log_sigma - 1).sum(dim=1)
