"""VAE: the AE with a Gaussian code; pulling the code towards N(0, 1) pulls lesions towards healthy anatomy."""

from dataclasses import dataclass

import torch

from uad_bench import Context
from uad_methods.ae import AE
from uad_methods.autoencoder import Autoencoder
from uad_methods.parts.residual import absolute_error


@dataclass
class VAE(AE):
    """Network, training and score of the AE; the code is Gaussian and the loss gains a KL term.

    The mean code is decoded at the test, so the map is not random; the published code draws there too. Dropout
    acts on the drawn code, as in the AE: the published one drops log sigma as well, which sets sigma to 1.

    kl: weight of the KL term, 1 beside a *summed* L1; with an L1 mean it would be 1 / pixels.
    """

    kl: float = 1.0

    def build(self) -> Autoencoder:
        """The network for slices (X, Y) of `shape_`."""
        return Autoencoder(self.channels_, (self.shape_[0], self.shape_[1]), self.dropout, gaussian=True)

    def loss(self, images: torch.Tensor, ctx: Context) -> torch.Tensor:
        """The AE's loss plus the KL divergence of the code from N(0, 1), mean over slices: a scalar."""
        with ctx.autocast():
            seen = self.net_(images)
        error = absolute_error(images, seen.image).sum(dim=(1, 2, 3))
        return (error + self.kl * divergence(seen.mean.float(), seen.log_sigma.float())).mean()


def divergence(mean: torch.Tensor, log_sigma: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, sigma) || N(0, 1)) summed over the code: (n, d) each -> (n,).

    0.5 * sum(mean^2 + sigma^2 - ln sigma^2 - 1), at least 0. log_sigma is the log of the deviation, not of
    the variance.
    """
    return 0.5 * (mean**2 + (2 * log_sigma).exp() - 2 * log_sigma - 1).sum(dim=1)
