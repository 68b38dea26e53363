"""Memory of a training step of the diffusion network. Run by test_methods.py in a process of its own."""

import pytest
import torch

from tests.pretend_gpu.memory import GIB
from tests.pretend_gpu.torch_patches import pretending
from uad_bench.method.context import Context
from uad_methods.parts.networks import diffusion_blocks
from uad_methods.parts.networks.diffusion_blocks import Block
from uad_methods.parts.networks.diffusion_unet import DiffusionUNet


def peak_of_a_step(precision, *, scale_shift):
    """GiB of a whole training step of the diffusion network, batch 32 at 96 x 96, with gradients and Adam's moments."""
    with pretending(hollow=True) as gpu:
        device = torch.device("cuda", 0)
        net = DiffusionUNet(1, scale_shift=scale_shift).to(device)
        optimiser = torch.optim.Adam(net.parameters(), foreach=False)
        for _ in range(2):  # the moments exist from the second step on
            optimiser.zero_grad()
            image, t = (torch.zeros(32, *size, device=device) for size in ((1, 96, 96), ()))
            gpu.memory.peak[device] = 0
            with Context(device="cuda", precision=precision).autocast():
                out = net(image, t.long())
            (out.float() - image).abs().mean().backward()
            del out
            optimiser.step()
        return gpu.memory.peak[device] / GIB


@pytest.mark.parametrize("scale_shift", [False, True])
def test_f10_a_diffusion_step_with_batch_32_needs_less_than_10_gib(monkeypatch, scale_shift):
    half, whole = (peak_of_a_step(one, scale_shift=scale_shift) for one in ("bf16", "fp32"))
    monkeypatch.setattr(diffusion_blocks, "recomputed", lambda layers, *inputs: layers(*inputs))
    stored = [peak_of_a_step(one, scale_shift=scale_shift) for one in ("bf16", "fp32")]
    print(
        f"batch 32 at 96 x 96: {half:.2f} GiB in bf16, {whole:.2f} in fp32; stored: {stored[0]:.2f}, {stored[1]:.2f}"
    )
    assert half < 10 < stored[0] and whole < stored[1]


@pytest.mark.parametrize("scale_shift", [False, True])
def test_f10_layers_that_are_computed_again_have_the_same_gradients(monkeypatch, scale_shift):
    def gradients():
        torch.manual_seed(0)
        block = Block(8, 16, 4, 4, scale_shift=scale_shift, way="down")
        torch.nn.init.normal_(block.leave[1].weight)  # it is 0 at first
        x, embedding = torch.randn(2, 8, 6, 6), torch.randn(2, 4)
        with pretending() as gpu:
            block.to("cuda")
            before = gpu.memory.alive[torch.device("cuda", 0)]
            out = block(x.to("cuda"), embedding.to("cuda"))
            kept = gpu.memory.alive[torch.device("cuda", 0)] - before
            out.square().sum().backward()
            return kept, [weight.grad.cpu() for weight in block.parameters()]

    again = gradients()
    monkeypatch.setattr(diffusion_blocks, "recomputed", lambda layers, *inputs: layers(*inputs))
    plain = gradients()
    assert again[0] < 0.8 * plain[0]
    assert len(plain[1]) > 8 and all(map(torch.equal, again[1], plain[1]))
