"""Pretrained weights that the user provides: the digest is checked, and nothing in the file is executed."""

from pathlib import Path

import torch

from uad_bench.errors import DataError
from uad_bench.weights.pretrained import load_state


def load_into(net: torch.nn.Module, path: Path | str, sha256: str = "") -> str:
    """Read `path` into `net` and return the SHA-256 of the weights' file, 64 hex digits.

    path: a .safetensors file, a PyTorch state dict, or NAME@DIGEST of weights that `uad-bench weights import` stored.

    The file may contain more weights than `net` has (later layers). Raises DataError for an unreadable file
    or weights that do not fit, IntegrityError for a missing or different digest, UsageError for unknown NAME@DIGEST.

        sha256: expected digest, or its first 8 digits or more; "" where the file name ends in it, as in
            resnet18-f37072fd.pth.
    """
    state, digest = load_state(path, sha256)
    own = net.state_dict()
    missing = [key for key in own if key not in state and not key.endswith("num_batches_tracked")]
    other_shape = [key for key in own if key in state and state[key].shape != own[key].shape]
    if missing or other_shape:
        what = (
            f"the weights do not fit the network: {len(missing)} missing, {len(other_shape)} of another shape"
        )
        raise DataError(
            what, where=f"{path}, {(missing + other_shape)[0]}", hint="give a file for this network"
        )
    net.load_state_dict({key: state.get(key, value) for key, value in own.items()})
    return digest
