"""Random generators depend on seed and key only; precision and steps follow the settings of the run."""

import numpy as np
import pytest
import torch

from uad_bench.errors import UsageError
from uad_bench.method import context
from uad_bench.method.context import Context


def test_a_generator_depends_on_seed_and_key_only():
    first, second = Context(seed=3).rng("x", 1), Context(seed=3)
    second.rng("other")
    assert first.random() == second.rng("x", 1).random()


@pytest.mark.parametrize("other", [(4, "x", 1), (3, "x", 2), (3, "x"), (3, "x1")])
def test_another_seed_or_key_gives_other_numbers(other):
    seed, *key = other
    assert Context(seed=3).rng("x", 1).random() != Context(seed=seed).rng(*key).random()


def test_every_call_starts_the_generator_anew():
    ctx = Context()
    assert ctx.rng("a").random() == ctx.rng("a").random()


def test_numbers_of_a_seed_stay_the_same_from_release_to_release():
    assert Context(seed=0).rng("weights").integers(2**31) == 1561172841
    torch_numbers = torch.randint(2**31, (1,), generator=Context(seed=0).torch_rng("codes"))
    assert torch_numbers.item() == 955066145


def test_torch_generators_depend_on_seed_and_key_and_differ_from_those_of_numpy():
    draw = [torch.rand(1, generator=Context(seed=s).torch_rng(*key)).item() for s, key in
            [(1, ("a",)), (1, ("a",)), (2, ("a",)), (1, ("b",))]]  # fmt: skip
    assert draw[0] == draw[1] and len(set(draw)) == 3
    assert (
        Context(seed=1).torch_rng("a").initial_seed() != Context(seed=1).rng("a").bit_generator.random_raw()
    )


def test_a_torch_generator_is_on_the_device_of_the_run_or_the_given_one():
    assert Context(device="meta").torch_rng("a", device="cpu").device.type == "cpu"


@pytest.mark.parametrize(
    ("precision", "able", "on_cpu", "dtype"),
    [
        ("auto", True, True, torch.bfloat16),
        ("auto", True, False, torch.float32),  # a CPU: only for networks that gain from it
        ("auto", False, True, torch.float32),
        ("fp32", True, True, torch.float32),
        ("bf16", False, False, torch.bfloat16),
    ],
)
def test_autocast_follows_precision_and_device(monkeypatch, precision, able, on_cpu, dtype):
    monkeypatch.setattr(context, "has_bf16", lambda device: able)
    with Context(precision=precision).autocast(on_cpu=on_cpu):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


@pytest.mark.parametrize("total", [0, -3])
def test_a_loop_without_steps_is_refused(total):
    with pytest.raises(UsageError, match=f"a training loop of {total} steps"):
        next(Context().steps(total))


def test_loops_without_a_name_are_numbered(tmp_path):
    policy = context.Policy(folder=tmp_path)
    ctx = Context(policy=policy)
    for name in ("", "", "encoder"):
        list(ctx.steps(1, name=name))
    assert {path.name for path in tmp_path.iterdir()} == {"phase0.ckpt", "phase1.ckpt", "encoder.ckpt"}


def test_figures_are_logged_for_the_step_that_is_running():
    received = []
    ctx = Context(policy=context.Policy(sink=received.append))
    for step in ctx.steps(3):
        if step != 1:
            ctx.log(loss=np.float32(step))
            ctx.log(rate=0.5)
    assert [(values["step"], values.get("loss"), values.get("rate")) for values in received] == [
        (0, 0.0, 0.5), (1, None, None), (2, 2.0, 0.5),
    ]  # fmt: skip


def test_a_context_did_not_stop_early_at_first():
    assert Context().stopped_early is False
