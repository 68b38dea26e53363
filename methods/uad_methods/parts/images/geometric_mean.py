"""Geometric mean of maps that are computed one after the other."""

import torch


class GeometricMean:
    """Geometric mean of the maps given to `add`, all of one shape and at least 0; values below `floor` count as it.

    The logarithms are summed in float32: products of many small squares underflow, and without a floor a single 0 makes
    the mean 0.

    >>> mean = GeometricMean(1e-12)
    >>> for value in (1.0, 4.0):
    ...     mean.add(torch.tensor([value, 0.0]))
    >>> torch.allclose(mean.result(), torch.tensor([2.0, 1e-12]))
    True
    """

    def __init__(self, floor: float) -> None:
        self.floor, self.count = floor, 0
        self._sum: torch.Tensor | None = None

    def add(self, values: torch.Tensor) -> None:
        """One more map."""
        logs = values.float().clamp(min=self.floor).log()
        self._sum = logs if self._sum is None else self._sum + logs
        self.count += 1

    def result(self) -> torch.Tensor:
        """The mean of all maps so far, of their shape; at least one map is needed."""
        assert self._sum is not None
        return torch.exp(self._sum / self.count)
