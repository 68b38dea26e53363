"""Weights of networks that others trained: imported once as safetensors, and named by methods as NAME@DIGEST."""

import hashlib
import io
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING

from uad_bench.errors import DataError, IntegrityError, UsageError
from uad_bench.support.atomic_files import write_bytes, write_text
from uad_bench.weights.bundle import Bundle, aside_of, described, settle
from uad_bench.weights.manifest import FORMAT, MANIFEST, Manifest, PretrainedFacts, check_name
from uad_bench.weights.store import default_store, is_reference, reference, stored_bundle

if TYPE_CHECKING:
    import torch

State = dict[str, "torch.Tensor"]
WEIGHTS = "weights.safetensors"


def load_state(source: Path | str, sha256: str = "") -> tuple[State, str]:
    """The weights of a file, or of imported weights NAME@DIGEST, and the SHA-256 of the original file.

    sha256: expected digest of the original file, or its first 8 digits or more; "" where a file's name ends in it, as
    in resnet18-f37072fd.pth. Raises DataError for an unreadable file, IntegrityError for a missing or different digest,
    UsageError where no such weights were imported (UB260).
    """
    path = Path(source)
    if is_reference(str(source)) and not path.exists():
        return _imported(str(source), sha256)
    content, digest = _read(path)
    _check_digest(path, digest, sha256)
    return _read_state(path, content), digest


def import_weights(name: str, file: Path, sha256: str, terms: str, store: Path) -> Bundle:
    """Write the weights of a file into the store of bundles, as safetensors; equal files give equal bundles.

    A PyTorch file is read by its restricted loader, after its digest was compared. Raises UsageError for a name that no
    bundle may have, and as `load_state`.
    """
    from safetensors.torch import save

    check_name(name)
    content, digest = _read(file)
    _check_digest(file, digest, sha256)
    state = {key: value.detach().clone().contiguous() for key, value in _read_state(file, content).items()}
    facts = PretrainedFacts(file=file.name, sha256=digest, terms=terms)
    with aside_of(store, name) as aside:
        write_bytes(aside / WEIGHTS, save(state))
        write_text(aside / "README.md", _page(name, facts))
        files = described({one: aside / one for one in ("README.md", WEIGHTS)})
        packed = Manifest(format=FORMAT, kind="pretrained", name=name, files=files, pretrained=facts).packed()
        write_bytes(aside / MANIFEST, packed)
        return settle(aside, hashlib.sha256(packed).hexdigest())


def _page(name: str, facts: PretrainedFacts) -> str:
    """README.md of imported weights."""
    return f"""# {name}
Weights of a network, imported from `{facts.file}` (SHA-256 {facts.sha256}) as safetensors.

Terms of use: {facts.terms or "not stated by whoever imported them"}
"""


def _imported(text: str, sha256: str) -> tuple[State, str]:
    from safetensors.torch import load_file

    bundle = stored_bundle(reference(text), default_store())
    facts = bundle.manifest.pretrained
    if facts is None:
        hint = "name weights that `uad-bench weights import` stored"
        raise UsageError(
            "the bundle holds a trained model, no pretrained weights", where=bundle.label, hint=hint
        )
    bundle.verify()
    if sha256 and not facts.sha256.startswith(sha256.lower()):
        what = f"the weights were imported from a file with SHA-256 {facts.sha256[:16]}..., not {sha256[:16]}"
        raise IntegrityError(what, where=bundle.label, hint="import the right file, or correct sha256")
    return dict(load_file(bundle.folder / WEIGHTS)), facts.sha256


def _read(path: Path) -> tuple[bytes, str]:
    """The bytes of a file and their SHA-256."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError("the weight file cannot be read", where=str(path), hint=str(error)) from error
    return content, hashlib.sha256(content).hexdigest()


def _check_digest(path: Path, digest: str, expected: str) -> None:
    named = re.search(r"-([0-9a-f]{8,64})$", path.stem)
    expected = expected.lower() or (named[1] if named else "")
    if len(expected) < 8:
        hint = f"set sha256 to 8 or more digits of the expected digest; the file's is {digest}"
        raise IntegrityError("no digest was given to check the weight file", where=str(path), hint=hint)
    if not digest.startswith(expected):
        what = f"the weight file's SHA-256 is {digest[:16]}..., not {expected[:16]}"
        raise IntegrityError(what, where=str(path), hint="download the file again, or correct sha256")


def _read_state(path: Path, content: bytes) -> State:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        if path.suffix == ".safetensors":
            return load(content)
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, pickle.UnpicklingError, EOFError, SafetensorError) as error:
        raise DataError("not a weight file", where=str(path), hint="save a plain state dict") from error
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise DataError("not a state dict of tensors", where=str(path), hint="save a plain state dict")
    return state
