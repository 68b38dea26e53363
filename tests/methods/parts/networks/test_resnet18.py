"""ResNet-18 against MONAI's, and its first stages from a complete file."""

import hashlib

import numpy as np
import pytest
import torch
from monai.networks.nets import resnet18 as monai_resnet18

from tests.helpers.networks import weight_count
from uad_methods.parts.networks.resnet18 import ResNet18
from uad_methods.parts.weights import load_into


def random_images(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape)).float()


@pytest.fixture(scope="module")
def oracle():
    torch.manual_seed(0)
    options = {"conv1_t_stride": 2, "shortcut_type": "B", "bias_downsample": False}
    return monai_resnet18(spatial_dims=2, n_input_channels=3, num_classes=1000, **options).eval()


def test_keys_shapes_and_outputs_equal_monai(oracle):
    ours, images = ResNet18().eval(), random_images(2, 3, 64, 96)
    shapes = {key: value.shape for key, value in oracle.state_dict().items()}
    assert shapes == {key: value.shape for key, value in ours.state_dict().items()}
    assert weight_count(ours) == 11_689_512
    ours.load_state_dict(oracle.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(ours(images), oracle(images), rtol=1e-4, atol=1e-5)


def test_the_first_stages_are_read_from_a_complete_file(oracle, tmp_path):
    path = tmp_path / "resnet18.pth"
    torch.save(oracle.state_dict(), path)
    digest, ours = hashlib.sha256(path.read_bytes()).hexdigest(), ResNet18(stages=2).eval()
    assert load_into(ours, path, digest[:12]) == digest
    with torch.no_grad():
        taps = ours.taps(random_images(1, 3, 128, 128))
    assert [tuple(t.shape[1:]) for t in taps] == [(64, 32, 32), (64, 32, 32), (128, 16, 16)]
    assert torch.equal(ours.conv1.weight, oracle.conv1.weight)
