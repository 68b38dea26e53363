"""A linear map of features that is learnt from healthy ones: principal components, standard deviations."""

import torch
from torch import nn
from torch.nn import functional

#: The least standard deviation that numbers are divided by.
LEAST = 1e-6


class Components(nn.Module):
    """Features (..., numbers) -> (..., kept): the first principal components; with kept = numbers, the features.

    standardise: each result minus the mean and divided by its standard deviation over healthy features. unit: results
    have length 1. Until `settle`, nothing is subtracted and the first numbers are kept.
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
            basis = basis / (centred @ basis).std(dim=0).clamp(min=LEAST)
        self.basis = basis.contiguous()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = (features - self.shift) @ self.basis
        return functional.normalize(found, dim=-1) if self.unit else found
