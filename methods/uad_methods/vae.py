"""VAE: the AE with a Gaussian code; pulling the code towards N(0, 1) pulls lesions towards healthy anatomy."""

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
    """Network, training and score of the AE; the code is Gaussian and the loss gains a KL term.

    The mean code is decoded at the test, so the map is not random; the published code draws there too. Dropout
    acts on the drawn code, as in the AE: the published one drops log sigma as well, which sets sigma to 1.

    kl: weight of the KL term, 1 beside a *summed* L1; with an L1 mean it would be 1 / pixels. scored: the residual,
    the gradient |dKL/dx| (where the slice would have to change to become likelier), or the product of both
    (Zimmerer et al. 2019, arXiv 1907.02796); the last two have names of their own. Training is the same.
    """

    kl: float = 1.0
    scored: Literal["residual", "gradient", "product"] = "residual"

    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "gradient": {"scored": "gradient"},
        "product": {"scored": "product"},
    }

    def build(self) -> Autoencoder:
        """The network for slices (X, Y) of `shape_`."""
        return Autoencoder(self.channels_, (self.shape_[0], self.shape_[1]), self.dropout, gaussian=True)

    def loss(self, images: torch.Tensor, ctx: Context) -> torch.Tensor:
        """The AE's loss plus the KL divergence of the code from N(0, 1), mean over slices: a scalar."""
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
        """dKL/dx of slices (n, C, X, Y), of that shape; the network in eval mode, where each slice is its own."""
        with torch.enable_grad():
            leaf = images.detach().clone().requires_grad_()
            output = self.net_(leaf)
            (found,) = torch.autograd.grad(kl_divergence(output.mean, output.log_sigma).sum(), leaf)
        return found


def kl_divergence(mean: torch.Tensor, log_sigma: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, sigma) || N(0, 1)) summed over the code: (n, d) each -> (n,).

    0.5 * sum(mean^2 + sigma^2 - ln sigma^2 - 1), at least 0. log_sigma is the log of the deviation, not of
    the variance.
    """
    return 0.5 * (mean**2 + (2 * log_sigma).exp() - 2 * log_sigma - 1).sum(dim=1)
