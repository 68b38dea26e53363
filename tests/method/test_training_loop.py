"""`ctx.steps`: resume, best weights, budget, the stop at a loss that is not finite."""

import pytest
import torch

from uad_bench.errors import IntegrityError, PluginError
from uad_bench.method import checkpoint
from uad_bench.method.context import Context
from uad_bench.method.loop_state import Policy


def train(folder=None, resume=False, stop=None, total=30, ctx=None):
    """Weights after a loop with dropout, Adam and a generator that is drawn from all through it."""
    ctx = ctx or Context(seed=1, policy=Policy(folder, resume, checkpoint_minutes=0))
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5), torch.nn.Linear(3, 1))
    opt = torch.optim.Adam(net.parameters(), 0.05)
    rng = ctx.rng("kept")
    for step in ctx.steps(
        total, net=net, opt=opt, every=7, validate=lambda: net(torch.ones(1, 3)).item() ** 2
    ):
        if step == stop:
            break
        loss = net(torch.as_tensor(rng.normal(size=(4, 3)), dtype=torch.float32)).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        ctx.log(loss=loss)
    return torch.cat([p.detach().flatten() for p in net.parameters()])


@pytest.mark.parametrize("stop", [1, 13, 29])
def test_a_loop_broken_off_and_resumed_ends_with_the_same_bits(tmp_path, stop):
    undisturbed = train()
    train(tmp_path, stop=stop)
    assert torch.equal(train(tmp_path, resume=True), undisturbed)


def test_a_finished_phase_is_not_run_again(tmp_path):
    done = train(tmp_path)
    ctx = Context(seed=1, policy=Policy(tmp_path, resume=True))
    assert torch.equal(train(ctx=ctx), done)
    assert list(Context(seed=1, policy=Policy(tmp_path, resume=True)).steps(30, name="phase0")) == []


def test_the_weights_with_the_lowest_validation_are_kept():
    net = torch.nn.Linear(1, 1, bias=False)
    ctx = Context()
    for step in ctx.steps(9, net=net, every=1, validate=lambda: abs(net.weight.item() - 4)):
        with torch.no_grad():
            net.weight.fill_(step)
    assert net.weight.item() == 4


def test_validation_runs_in_eval_mode_and_gives_the_mode_back():
    net = torch.nn.Dropout(0.5)
    seen = []
    for _ in Context().steps(2, net=net, every=1, validate=lambda: seen.append(net.training) or 0.0):
        assert net.training
    assert seen == [False, False]


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step():
    ctx = Context()
    with pytest.raises(PluginError, match=r"became nan at step 23"):
        for step in ctx.steps(100):
            ctx.log(loss=torch.tensor(float("nan") if step == 23 else 1.0))


def test_a_time_budget_ends_the_loop_and_says_so():
    ctx = Context(policy=Policy(time_budget_s=0.0))
    assert len(list(ctx.steps(10**6))) < 10**6
    assert ctx.stopped_early


def test_losses_reach_the_sink_in_order():
    got = []
    ctx = Context(policy=Policy(sink=got.append))
    for step in ctx.steps(45):
        ctx.log(loss=step, rate=0.5)
    assert [record["loss"] for record in got] == list(range(45))


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path):
    path = tmp_path / "a.ckpt"
    checkpoint.save(path, {"step": 1})
    checkpoint.save(path, {"step": 2})
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(bytes(data))
    assert checkpoint.load(path) == {"step": 1}
    path.with_suffix(".previous").write_bytes(b"short")
    with pytest.raises(IntegrityError, match="no checkpoint matches its digest"):
        checkpoint.load(path)


def test_a_generator_depends_on_seed_and_key_alone():
    a, b = Context(seed=3).rng("x", 1), Context(seed=3)
    b.rng("other")
    assert a.random() == b.rng("x", 1).random()
    assert Context(seed=3).rng("x").random() != Context(seed=4).rng("x").random()
