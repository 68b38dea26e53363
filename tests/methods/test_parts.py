"""Shared parts against independent references: SSIM, gradient penalty, ResNet-18, frame, weights, equalisation."""

import hashlib
from functools import partial

import numpy as np
import pytest
import torch
from monai.networks.nets import resnet18 as monai_resnet18
from safetensors.torch import save_file
from scipy import ndimage
from torch.func import functional_call

from tests.helpers.networks import weight_count
from uad_bench.errors import DataError, IntegrityError
from uad_bench.testing import toy_scans
from uad_methods.parts.images.equalise import EqualisedScans
from uad_methods.parts.images.square import from_square, to_square
from uad_methods.parts.images.ssim import ssim_map
from uad_methods.parts.networks.resgan import Critic
from uad_methods.parts.networks.resnet18 import ResNet18
from uad_methods.parts.training.adversarial import critic_loss, gradient_penalty
from uad_methods.parts.training.masked_squares import SquareDecoder, fill_loss, hide_squares
from uad_methods.parts.weights import load_into


def random_images(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape)).float()


def scipy_ssim(a, b):
    """SSIM of two float64 pictures, zeros beyond the border, from the definition."""

    def mean(picture):
        return ndimage.gaussian_filter(picture, 1.5, radius=2, mode="constant")

    mu_a, mu_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mu_a**2, mean(b * b) - mu_b**2
    cov = mean(a * b) - mu_a * mu_b
    c1, c2 = 1e-4, 9e-4
    return (2 * mu_a * mu_b + c1) * (2 * cov + c2) / ((mu_a**2 + mu_b**2 + c1) * (var_a + var_b + c2))


@pytest.mark.parametrize("shape", [(16, 16), (9, 23)])
def test_ssim_map_is_that_of_scipy_in_float64(shape):
    a, b = random_images(2, 3, *shape), random_images(2, 3, *shape, seed=1)
    b = 0.7 * a + 0.3 * b
    expected = [[scipy_ssim(x, y) for x, y in zip(p, q, strict=True)]
                for p, q in zip(a.double().numpy(), b.double().numpy(), strict=True)]  # fmt: skip
    np.testing.assert_allclose(ssim_map(a, b), expected, atol=2e-5)


def test_ssim_of_equal_pictures_is_one_and_of_opposite_textures_below_zero():
    a = random_images(1, 2, 12, 12)
    torch.testing.assert_close(ssim_map(a, a), torch.ones_like(a))
    assert (ssim_map(5 + a, 5 - a)[..., 2:-2, 2:-2] < 0).all()


def test_ssim_stays_in_float32_under_autocast():
    a, b = random_images(1, 2, 12, 12), random_images(1, 2, 12, 12, seed=1)
    with torch.autocast("cpu", torch.bfloat16):
        inside = ssim_map(a, b)
    assert torch.equal(inside, ssim_map(a, b))


def smooth_critic():
    """A critic in float64 without kinks, so that finite differences converge."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(100, 1)
    )


def numeric_penalty(critic, real, fake, seed):
    """The definition, with the gradient by central differences, pixel by pixel."""
    share = torch.rand((len(real), 1, 1, 1), generator=torch.Generator().manual_seed(seed)).double()
    points, step, total = real.double() + share * (fake - real).double(), 1e-5, 0.0
    for point in points:
        slopes = []
        for i in range(point.numel()):
            bump = torch.zeros(point.numel(), dtype=torch.float64)
            bump[i] = step
            up, down = (critic((point + s * bump.view_as(point))[None]).item() for s in (1, -1))
            slopes.append((up - down) / (2 * step))
        total += (np.linalg.norm(slopes) - 1) ** 2
    return total / len(points)


def test_gradient_penalty_is_that_of_finite_differences():
    critic, real, fake = smooth_critic(), random_images(3, 1, 5, 5), random_images(3, 1, 5, 5, seed=1)
    found = gradient_penalty(critic, real, fake, torch.Generator().manual_seed(4))
    with torch.no_grad():
        expected = numeric_penalty(critic.double(), real, fake, 4)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_the_gradient_of_the_penalty_is_that_of_finite_differences():
    critic, real, fake = smooth_critic(), random_images(3, 1, 5, 5), random_images(3, 1, 5, 5, seed=1)
    gradient_penalty(critic, real, fake, torch.Generator().manual_seed(4)).backward()
    weights, slope = dict(critic.named_parameters()), []
    with torch.no_grad():
        for sign in (1, -1):
            moved = dict(weights)
            moved["0.weight"] = weights["0.weight"].clone()
            moved["0.weight"][0, 0, 1, 1] += sign * 1e-4
            moved = {k: v.double() for k, v in moved.items()}
            whole = partial(functional_call, critic, moved)
            slope.append(numeric_penalty(whole, real, fake, 4))
    assert float(critic[0].weight.grad[0, 0, 1, 1]) == pytest.approx((slope[0] - slope[1]) / 2e-4, rel=1e-2)


def test_a_linear_critic_has_the_penalty_of_its_weights():
    weight = random_images(1, 1, 4, 4)
    found = gradient_penalty(
        lambda x: (x * weight).sum(dim=(1, 2, 3)), torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4),
        torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert float(found) == pytest.approx((float(weight.norm()) - 1) ** 2, rel=1e-5)


def test_the_critic_judges_images_one_by_one_and_more_is_more_real():
    critic, images = Critic(1, 32, 4).train(), random_images(3, 1, 32, 32)
    alone = torch.cat([critic(image[None]) for image in images])
    torch.testing.assert_close(critic(images), alone)
    assert critic_loss(torch.tensor([2.0]), torch.tensor([0.5])) == -1.5


@pytest.fixture(scope="module")
def oracle():
    torch.manual_seed(0)
    return monai_resnet18(
        spatial_dims=2, n_input_channels=3, num_classes=1000, conv1_t_stride=2, shortcut_type="B", bias_downsample=False
    ).eval()  # fmt: skip


def test_resnet18_has_the_keys_shapes_and_outputs_of_monais(oracle):
    ours, images = ResNet18().eval(), random_images(2, 3, 64, 96)
    shapes = {key: value.shape for key, value in oracle.state_dict().items()}
    assert shapes == {key: value.shape for key, value in ours.state_dict().items()}
    assert weight_count(ours) == 11_689_512
    ours.load_state_dict(oracle.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(ours(images), oracle(images), rtol=1e-4, atol=1e-5)


def test_the_beginning_of_resnet18_is_read_from_a_whole_file(oracle, tmp_path):
    path = tmp_path / "resnet18.pth"
    torch.save(oracle.state_dict(), path)
    digest, ours = hashlib.sha256(path.read_bytes()).hexdigest(), ResNet18(stages=2).eval()
    assert load_into(ours, path, digest[:12]) == digest
    with torch.no_grad():
        taps = ours.taps(random_images(1, 3, 128, 128))
    assert [tuple(t.shape[1:]) for t in taps] == [(64, 32, 32), (64, 32, 32), (128, 16, 16)]
    assert torch.equal(ours.conv1.weight, oracle.conv1.weight)


def test_the_digest_may_stand_in_the_name_and_must_stand_somewhere(tmp_path):
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


def test_weights_that_are_no_plain_tensors_are_refused(tmp_path):
    path = tmp_path / "evil.pth"
    torch.save({"weight": np.random.default_rng}, path)
    with pytest.raises(DataError, match="not a weight file"):
        load_into(torch.nn.Linear(2, 1), path, hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(DataError, match="weight file cannot be read"):
        load_into(torch.nn.Linear(2, 1), tmp_path / "none.pth")


@pytest.mark.parametrize("shape", [(80, 96), (33, 50), (51, 17), (64, 64)])
def test_a_slice_returns_from_the_square_to_its_own_grid(shape):
    x, y = torch.meshgrid(*(torch.linspace(-1, 1, s) for s in shape), indexing="ij")
    picture = torch.exp(-3 * (x**2 + y**2))
    square = to_square(picture[None, None], 64)
    assert square.shape == (1, 1, 64, 64)
    back = from_square(square[:, 0], shape)[0]
    inner = picture > 0.3
    assert (back - picture)[inner].abs().max() < 0.06


def test_hiding_hides_half_and_the_loss_sees_only_that():
    images = torch.rand(16, 1, 64, 64)
    seen, hidden = hide_squares(images, torch.Generator().manual_seed(0))
    assert hidden.float().mean() == pytest.approx(0.5, abs=0.05)
    assert (seen[hidden] == 0.5).all() and torch.equal(seen[~hidden], images[~hidden])
    assert fill_loss(torch.where(hidden, images, 9.0), images, hidden) == 0
    assert SquareDecoder(256)(torch.rand(2, 256, 16, 16)).shape == (2, 1, 64, 64)


def test_equalised_scans_have_uniform_brains_and_come_when_asked():
    scans = toy_scans(2, ("t1", "t2"))
    found = EqualisedScans(scans)[1]
    for channel in found.image:
        assert channel[found.brain_mask].mean() == pytest.approx(0.5, abs=0.01)
        assert (channel[~found.brain_mask] == 0).all()
    assert len(EqualisedScans(scans)[:1]) == 1
