"""Weight files: digests and refused contents."""

import hashlib

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from uad_bench.errors import DataError, IntegrityError
from uad_methods.parts.weights import load_into


def test_a_digest_is_required_in_the_file_name_or_as_an_argument(tmp_path):
    plain, net = tmp_path / "net.safetensors", torch.nn.Linear(2, 1)
    save_file(net.state_dict(), plain)
    digest = hashlib.sha256(plain.read_bytes()).hexdigest()
    with pytest.raises(IntegrityError, match=digest):
        load_into(net, plain)
    with pytest.raises(IntegrityError, match="not 0000"):
        load_into(net, plain, "0" * 8)
    named = plain.rename(tmp_path / f"net-{digest[:8]}.safetensors")
    assert load_into(net, named) == digest
    with pytest.raises(DataError, match="do not fit"):
        load_into(torch.nn.Linear(3, 1), named)


def test_files_with_other_objects_than_tensors_are_refused(tmp_path):
    path = tmp_path / "evil.pth"
    torch.save({"weight": np.random.default_rng}, path)
    with pytest.raises(DataError, match="not a weight file"):
        load_into(torch.nn.Linear(2, 1), path, hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(DataError, match="weight file cannot be read"):
        load_into(torch.nn.Linear(2, 1), tmp_path / "none.pth")
