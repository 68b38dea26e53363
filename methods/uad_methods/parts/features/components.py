"""A linear map of features that is learnt from healthy ones: principal components, standard deviations."""

import torch
from torch import nn
from torch.nn import functional

#: The least standard deviation that numbers are divided by, as a share of the root mean square of all deviations.
LEAST = 1e-3


def divisors(deviations: torch.Tensor) -> torch.Tensor:
    """Standard deviations (numbers,) to divide by: none far below the others, and 1 where all are 0.

    A number that is constant by chance in the features that this is learnt from, and not in others, would exceed fp16.
    """
    raised = deviations.clamp(min=LEAST * deviations.square().mean().sqrt())
    return torch.where(raised > 0, raised, 1.0)


class Components(nn.Module):
    """Features (..., numbers) -> (..., kept): the first principal components; with kept = numbers, the features.

    standardise: each result minus the mean and divided by its standard deviation over healthy features (`divisors`).
    unit: results have length 1. Until `settle`, nothing is subtracted and the first numbers are kept.
    """

    shift: torch.Tensor
    basis: torch.Tensor

    def __init__(self, numbers: int, kept: int, standardise: bool, unit: bool) -> None:
        super().__init__()
        self.standardise, self.unit = standardise, unit
        self.register_buffer("shift", torch.zeros(numbers))
        self.register_buffer("basis", torch.eye(numbers)[:, :kept].contiguous())

    def settle(self, features: torch.Tensor) -> None:
        """Learn from healthy features (n, numbers)."""
        numbers, kept = self.basis.shape
        if kept == numbers and not self.standardise:
            return
        self.shift = features.mean(dim=0)
        centred, basis = features - self.shift, torch.eye(numbers, device=features.device)
        if kept < numbers:
            directions = torch.linalg.eigh(centred.double().T.cov()).eigenvectors  # of rising variance
            basis = directions.flip(1)[:, :kept].float()
        if self.standardise:
            basis = basis / divisors((centred @ basis).std(dim=0))
        self.basis = basis.contiguous()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = (features - self.shift) @ self.basis
        return functional.normalize(found, dim=-1) if self.unit else found
