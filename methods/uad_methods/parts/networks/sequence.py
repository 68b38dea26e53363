"""Runs of neighbouring slices, and sequence models over their codes."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from uad_bench import SliceStack


class Runs(NamedTuple):
    """Runs of neighbouring slices.

    slices: indices in a stack, int64 (sum of lengths,), runs concatenated.
    lengths: number of slices of each run.
    """

    slices: npt.NDArray[np.int64]
    lengths: list[int]


def whole_volumes(stack: SliceStack, count: int) -> Runs:
    """All slices of `count` volumes, equally spaced in the stack."""
    first, counts = _volumes(stack)
    chosen = np.unique(np.linspace(0, len(counts) - 1, min(count, len(counts))).round().astype(np.int64))
    return _runs(first[chosen], counts[chosen])


def random_runs(stack: SliceStack, count: int, window: int, rng: np.random.Generator) -> Runs:
    """`count` runs of `window` neighbouring slices from random volumes, at random positions.

    A volume with fewer slices is used whole. Volumes are drawn without replacement where there are enough.
    """
    first, counts = _volumes(stack)
    chosen = rng.choice(len(counts), count, replace=count > len(counts))
    lengths = np.minimum(counts[chosen], window)
    return _runs(first[chosen] + rng.integers(counts[chosen] - lengths + 1), lengths)


def _volumes(stack: SliceStack) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Index of the first slice of each volume with brain in the stack, and the number of its slices."""
    counts = np.asarray(stack.counts, np.int64)
    first = np.cumsum(counts) - counts
    return first[counts > 0], counts[counts > 0]


def _runs(first: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Runs:
    index = [np.arange(start, start + n) for start, n in zip(first, lengths, strict=True)]
    return Runs(np.concatenate(index), [int(n) for n in lengths])


def pad_runs(codes: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    """Concatenated runs (N, d) -> batch of runs (n, longest, d), padded with zeros."""
    return pad_sequence(list(torch.split(codes, lengths)), batch_first=True)


def unpad_runs(codes: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    """Inverse of `pad_runs`."""
    return torch.cat([run[:n] for run, n in zip(codes, lengths, strict=True)])


class Attention(nn.Module):
    """Two pre-norm transformer layers along a run, with a learnt embedding of each slice's height.

    0.26 M weights for codes of 128, and the embedding of `depth` heights.
    """

    def __init__(self, size: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.place = nn.Embedding(depth, size)
        nn.init.normal_(self.place.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(
            size, nhead=4, dim_feedforward=2 * size, dropout=dropout, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)

    def forward(self, codes: torch.Tensor, z: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        """Codes (N, d) of slices at heights `z` (N,), runs concatenated -> (N, d)."""
        embedded = pad_runs(codes + self.place(z).to(codes.dtype), lengths)
        padding = pad_runs(torch.ones_like(codes[:, :1]), lengths)[..., 0] == 0
        # The fused attention kernels have no deterministic gradient on a GPU.
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            output = self.layers(embedded, src_key_padding_mask=padding)
        return unpad_runs(output, lengths)


class Recurrence(nn.Module):
    """Bidirectional GRU along a run."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.gru = nn.GRU(size, size // 2, batch_first=True, bidirectional=True)

    def forward(self, codes: torch.Tensor, z: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        """As `Attention.forward`; `z` is not used."""
        # Sorted here: PyTorch would copy the order to the device in every step, and wait.
        order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
        runs, longest_first = torch.split(codes, lengths), [lengths[i] for i in order]
        padded = pad_sequence([runs[i] for i in order], batch_first=True)
        packed = pack_padded_sequence(padded, torch.tensor(longest_first), batch_first=True)
        output, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        found = {i: run[: lengths[i]] for i, run in zip(order, output, strict=True)}
        return torch.cat([found[i] for i in range(len(lengths))])
