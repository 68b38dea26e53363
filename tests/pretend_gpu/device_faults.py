"""Planted faults and the findings on the pretended GPU. Run by test_methods.py in a process of its own."""

import gc
import tracemalloc

import numpy as np
import pytest
import torch

from tests.pretend_gpu.gpu import Gpu
from tests.pretend_gpu.memory import GIB
from tests.pretend_gpu.story import Setting, tell
from tests.pretend_gpu.torch_patches import pretending
from uad_bench.errors import EnvironmentFault, PluginError
from uad_bench.evaluate.grid.median import median_in
from uad_bench.method import slices
from uad_bench.method.base import Method
from uad_bench.method.context import Context
from uad_bench.method.guard import guarded
from uad_bench.method.loop_state import Policy
from uad_bench.method.slices import SliceStack, score_slices
from uad_bench.support import environment
from uad_bench.testing.toy import toy_scans
from uad_bench.types import Scan
from uad_methods import ae
from uad_methods.denoising import Denoising
from uad_methods.parts.networks.diffusion_unet import DiffusionUNet


def ae_with(monkeypatch, plant):
    """The story of the autoencoder, whose training steps call `plant` with the batch and the context."""
    real = SliceStack.batch

    def batch(self, step, size):
        found = real(self, step, size)
        plant(found, self.ctx)
        return found

    monkeypatch.setattr(SliceStack, "batch", batch)
    return tell("ae", Setting())


def test_a_planted_tensor_on_another_device_is_found(monkeypatch):
    with pytest.raises(RuntimeError, match="found cpu, cuda:0"):
        ae_with(monkeypatch, lambda batch, ctx: batch.image + torch.ones(batch.image.shape))


def test_a_planted_tensor_of_the_other_gpu_is_found(monkeypatch):
    with pytest.raises(RuntimeError, match="found cuda:0, cuda:1"):
        ae_with(monkeypatch, lambda batch, ctx: batch.image + torch.ones(batch.image.shape, device="cuda:1"))


def test_a_planted_generator_of_another_device_is_found(monkeypatch):
    def plant(batch, ctx):
        torch.rand(3, generator=torch.Generator().manual_seed(0), device=ctx.device)

    with pytest.raises(RuntimeError, match="Expected a cuda:0 generator but found cpu"):
        ae_with(monkeypatch, plant)


@pytest.mark.parametrize(
    ("plant", "what"),
    [
        (lambda batch, ctx: batch.image.sum().item(), "number read"),
        (lambda batch, ctx: batch.image[batch.brain[:, None]], "index by a mask"),
        (lambda batch, ctx: batch.brain.nonzero(), "nonzero"),
        (lambda batch, ctx: torch.ones(3).to(ctx.device), "to the device, blocking"),
        (lambda batch, ctx: torch.ones(3).to(ctx.device, non_blocking=True), "from pageable memory"),
        (lambda batch, ctx: batch.image.cpu(), "to the host"),
        (lambda batch, ctx: batch.image[[0, 1]], "to the device, blocking"),
    ],
)
def test_a_planted_wait_in_the_loop_is_found_with_its_line(monkeypatch, plant, what):
    syncs = ae_with(monkeypatch, plant).later_steps()
    assert len(syncs) == 3 and all(what in one for one in syncs)


def test_planted_numpy_on_the_device_is_found(monkeypatch):
    with pytest.raises(TypeError, match=r"use Tensor\.cpu"):
        ae_with(monkeypatch, lambda batch, ctx: batch.image.numpy())


class Many:
    """Scans made on access, as those of a run are read from the cache."""

    def __init__(self, count, shape, channels=1):
        self.count, self.shape, self.channels = count, shape, channels

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if not 0 <= index < self.count:
            raise IndexError
        image = np.zeros((self.channels, *self.shape), np.float32)
        modalities = tuple("abc"[: self.channels])
        return Scan(str(index), modalities, image, np.ones(self.shape, bool), np.eye(4), (1.0, 1.0, 1.0))


def host_peak(build):
    """Bytes of the host that `build` needs at most: numpy's, and those of torch's CPU tensors."""
    with pretending() as gpu, HostTensors(gpu):
        gc.collect()
        tracemalloc.start()
        build()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak + gpu.memory.peak[torch.device("cpu")]


class HostTensors(torch.utils._python_dispatch.TorchDispatchMode):
    """Counts the CPU tensors that operations make."""

    def __init__(self, gpu: Gpu) -> None:
        super().__init__()
        self.gpu = gpu

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor) and out.device.type == "cpu":
            self.gpu.memory.allocated(out, torch.device("cpu"))
        return out


SHAPE, COUNT = (32, 32, 16), 24
STACK = COUNT * 32 * 32 * 16 * 3
ONE_SCAN = 32 * 32 * 16 * (4 + 1 + 2 + 2 + 1)  # image, mask, and what is made of them


@pytest.mark.parametrize(("device", "limit"), [("cpu", STACK + 3 * ONE_SCAN), ("cuda", 4 * ONE_SCAN)])
def test_f05_the_host_never_holds_a_second_copy_of_the_stack(device, limit):
    assert host_peak(lambda: SliceStack(Many(COUNT, SHAPE), Context(device=device))) < limit


def test_a_planted_second_copy_of_the_stack_is_found(monkeypatch):
    def fill(self, scans):
        parts = [slices._slices(scan) for scan in scans]
        self.images.copy_(torch.cat([part[0] for part in parts]))

    monkeypatch.setattr(SliceStack, "_fill", fill)
    assert host_peak(lambda: SliceStack(Many(COUNT, SHAPE), Context(device="cuda"))) > STACK / 2


@pytest.mark.parametrize(("channels", "gib"), [(1, 3.97), (3, 9.25)])
def test_f05_three_modalities_at_1_mm_stay_on_a_card_of_24_gib(channels, gib, caplog):
    caplog.set_level("INFO", "uad_bench.method.slices")
    with pretending() as gpu:
        gpu.memory.total, gpu.memory.elsewhere = 24 * GIB, GIB // 2
        gpu.memory.cached = 6 * GIB  # by an earlier run of the matrix
        home = slices._home(385 * 100, channels, (192, 192), "cuda", "train")
        assert home == "cuda" and f"{gib} GiB of the 23.5 GiB" in caplog.text
        gpu.memory.elsewhere = 8 * GIB
        assert slices._home(385 * 100, 3, (192, 192), "cuda", "train") == "cpu"
    assert "they stay in CPU memory" in caplog.text


def test_f05_a_stack_on_the_host_costs_no_waits_either():
    with pretending() as gpu:
        gpu.memory.elsewhere = gpu.memory.total
        stack = SliceStack(toy_scans(2), Context(device="cuda"))
        assert stack.images.device.type == "cpu"
        gpu.memory.elsewhere, gpu.events[:] = 0, []
        assert stack.batch(0, 4).image.is_cuda
        assert [e.kind for e in gpu.events] == ["h2d"]


def test_f02_a_failed_run_gives_its_memory_back():
    class Fails(Method):
        def fit(self, train, val, ctx):
            self.big = torch.zeros(1000, device=ctx.device)
            raise ValueError("wrong")

    with pretending() as gpu:
        with pytest.raises(PluginError) as caught, guarded("fails.fit"):
            Fails().fit([], [], Context(device="cuda"))
        assert gpu.memory.alive[torch.device("cuda", 0)] > 0
        environment.free_gpu_memory(caught.value)
        assert gpu.memory.alive[torch.device("cuda", 0)] == 0
        assert "wrong" in str(caught.value)


@pytest.mark.parametrize(("major", "able"), [(7, False), (8, True)])
def test_f03_bf16_is_used_where_the_card_computes_in_it(major, able):
    with pretending(major=major):
        assert environment.has_bf16("cuda:1") is able


def test_f04_a_checkpoint_holds_the_random_state_of_the_runs_device_alone(tmp_path, monkeypatch):
    asked = []
    with pretending():
        monkeypatch.setattr(
            torch.cuda, "get_rng_state", lambda device: asked.append(device) or torch.get_rng_state()
        )
        policy = Policy(folder=tmp_path, checkpoint_minutes=0)
        net = torch.nn.Linear(1, 1).to("cuda:1")
        for _ in Context(device="cuda:1", policy=policy).steps(2, net=net):
            pass
    assert set(asked) == {"cuda:1"}


def test_f06_the_peak_of_memory_is_that_of_one_run():
    with pretending():
        torch.zeros(2**20, device="cuda:1")
        environment.begin_gpu_memory("cuda:1")
        torch.zeros(2**19, device="cuda:1")
        assert environment.gpu_memory_mib("cuda:1") == 2


def test_f12_out_of_memory_in_training_is_a_fault_of_the_environment():
    with pretending() as gpu:
        gpu.memory.total = gpu.memory.elsewhere + 1000
        expected = pytest.raises(
            EnvironmentFault, match=r"out of memory \(ae.fit\): lower the number of slices"
        )
        with expected, guarded("ae.fit"):
            ae.AE(**ae.AE.tiny).fit(toy_scans(2), toy_scans(1), Context(device="cuda"))


def test_f12_scoring_halves_the_batch_and_says_so(caplog):
    (scan,), sizes = toy_scans(1), []

    def score(batch):
        sizes.append(len(batch.z))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return batch.image[:, 0]

    with pretending():
        found = score_slices(scan, Context(device="cuda"), score)
    assert np.array_equal(found, score_slices(scan, Context(), lambda batch: batch.image[:, 0]))
    assert sizes[:3] == [6, 3, 1] and "6 slices do not fit in memory; now 3 at once" in caplog.text
    with pretending(), pytest.raises(torch.OutOfMemoryError):
        score_slices(scan, Context(device="cuda"), score, size=None)


def test_f13_the_last_layer_of_the_denoiser_is_float32():
    with pretending():
        net = DiffusionUNet(1, (8, 16), 1, groups=4).to("cuda")
        with Context(device="cuda", precision="bf16").autocast():
            out = net(
                torch.zeros(1, 1, 16, 16, device="cuda"), torch.zeros(1, dtype=torch.int64, device="cuda")
            )
    assert out.dtype == torch.float32 and issubclass(Denoising, Method)


def test_f16_a_call_of_a_method_restores_the_random_state_of_the_gpu(monkeypatch):
    states = []
    with pretending():
        monkeypatch.setattr(torch.cuda, "set_rng_state_all", states.append)
        with guarded("x"):
            torch.rand(3)
    assert len(states) == 1


def test_the_median_filter_on_the_device_has_the_bits_of_the_cpu():
    volume = np.random.default_rng(0).normal(size=(9, 9, 9)).astype(np.float32)
    mask = np.zeros(volume.shape, bool)
    mask[2:7, 2:7, 2:7] = True
    with pretending():
        found = median_in(volume, mask, (5, 5, 5), "cuda")
    assert np.array_equal(found, median_in(volume, mask, (5, 5, 5)))
