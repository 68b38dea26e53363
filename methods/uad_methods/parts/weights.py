"""Pretrained weights from a file that the user provides: the digest is checked, and nothing in the file is executed."""

import hashlib
import io
import pickle
import re
from pathlib import Path

import torch
from safetensors.torch import load as from_safetensors

from uad_bench.errors import DataError, IntegrityError


def load_into(net: torch.nn.Module, path: Path, sha256: str = "") -> str:
    """Read `path` (.safetensors or a PyTorch state dict) into `net` and return the file's SHA-256, 64 hex digits.

    The file may contain more weights than `net` has (later layers). Raises DataError for an unreadable file
    or weights that do not fit, IntegrityError for a missing or different digest.

        sha256: expected digest, or its first 8 digits or more; "" where the file name ends in it, as in
            resnet18-f37072fd.pth.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError("the weight file cannot be read", where=str(path), hint=str(error)) from error
    digest = hashlib.sha256(content).hexdigest()
    _check_digest(path, digest, sha256)
    state, own = _read_state(path, content), net.state_dict()
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


def _check_digest(path: Path, digest: str, expected: str) -> None:
    named = re.search(r"-([0-9a-f]{8,64})$", path.stem)
    expected = expected.lower() or (named[1] if named else "")
    if len(expected) < 8:
        hint = f"set sha256 to 8 or more digits of the expected digest; the file's is {digest}"
        raise IntegrityError("no digest was given to check the weight file", where=str(path), hint=hint)
    if not digest.startswith(expected):
        what = f"the weight file's SHA-256 is {digest[:16]}..., not {expected[:16]}"
        raise IntegrityError(what, where=str(path), hint="download the file again, or correct sha256")


def _read_state(path: Path, content: bytes) -> dict[str, torch.Tensor]:
    try:
        if path.suffix == ".safetensors":
            return from_safetensors(content)
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, pickle.UnpicklingError, EOFError) as error:
        raise DataError("not a weight file", where=str(path), hint="save a plain state dict") from error
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise DataError("not a state dict of tensors", where=str(path), hint="save a plain state dict")
    return state
