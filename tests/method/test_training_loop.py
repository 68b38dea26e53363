"""`ctx.steps`: resume, best weights, time budget, signals, stop at a loss that is not finite."""

import contextlib
import os
import signal
import time

import pytest
import torch

from uad_bench.errors import PluginError, Terminated
from uad_bench.method.context import Context
from uad_bench.method.loop_state import Policy


def train(folder=None, resume=False, stop=None, total=30, ctx=None):
    """Weights after a loop with dropout, Adam and a generator that is used in every step."""
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
def test_an_interrupted_loop_that_is_resumed_ends_with_the_same_bits(tmp_path, stop):
    uninterrupted = train()
    train(tmp_path, stop=stop)
    assert torch.equal(train(tmp_path, resume=True), uninterrupted)


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


def test_validation_runs_in_eval_mode_and_restores_the_mode():
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


def test_a_time_budget_ends_the_loop_and_is_recorded():
    ctx = Context(policy=Policy(time_budget_s=0.0))
    assert len(list(ctx.steps(10**6))) < 10**6
    assert ctx.stopped_early


def test_losses_reach_the_sink_in_order():
    got = []
    ctx = Context(policy=Policy(sink=got.append))
    for step in ctx.steps(45):
        ctx.log(loss=step, rate=0.5)
    assert [record["loss"] for record in got] == list(range(45))


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_a_signal_ends_the_loop_after_the_step_is_saved(tmp_path, number, error):
    steps, before = [], signal.getsignal(number)
    with pytest.raises(error):
        for step in Context(policy=Policy(tmp_path)).steps(5):
            steps.append(step)
            if step == 2:
                os.kill(os.getpid(), number)
    assert steps == [0, 1, 2]
    assert signal.getsignal(number) is before
    assert list(Context(policy=Policy(tmp_path, resume=True)).steps(5)) == [3, 4]


def test_seconds_of_earlier_processes_are_known(tmp_path):
    for done in (False, True):
        first = Context(policy=Policy(tmp_path / str(done), checkpoint_minutes=0))
        for step in first.steps(5):
            time.sleep(0.01)
            if step == 3 and not done:
                break
        again = Context(policy=Policy(tmp_path / str(done), resume=True))
        list(again.steps(5))
        assert first.earlier_s == 0 and 0.03 <= again.earlier_s < 60


def test_a_second_signal_interrupts_at_once(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        for _ in Context(policy=Policy(tmp_path)).steps(5):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            pytest.fail("the second signal was not raised")


@pytest.mark.parametrize("twice", [False, True])
def test_what_ends_a_loop_is_raised_again_where_the_method_catches_it(twice):
    ctx = Context()
    ctx.require_trained()
    with contextlib.suppress(KeyboardInterrupt):
        for _ in ctx.steps(5):
            os.kill(os.getpid(), signal.SIGINT)
            if twice:  # raised in the loop's body
                os.kill(os.getpid(), signal.SIGINT)
    for go_on in (ctx.require_trained, lambda: list(ctx.steps(5))):
        with pytest.raises(KeyboardInterrupt):
            go_on()


def test_a_loop_that_is_left_by_break_ends_no_training():
    ctx = Context()
    for _ in ctx.steps(5):
        break
    ctx.require_trained()
    assert list(ctx.steps(2)) == [0, 1]


def test_a_second_sigterm_does_not_interrupt_the_step(tmp_path):
    steps = []
    with pytest.raises(Terminated):
        for step in Context(policy=Policy(tmp_path)).steps(5):
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGTERM)
            steps.append(step)
    assert steps == [0]


def test_a_resumed_loop_announces_from_which_step_figures_come_again(tmp_path):
    announced = []
    for resume in (False, True):
        policy = Policy(tmp_path, resume, checkpoint_minutes=0, rewind=lambda *place: announced.append(place))
        for step in Context(policy=policy).steps(6):
            if step == 3:
                break
    assert announced == [("phase0", 0), ("phase0", 3)]


def test_a_validation_that_is_nan_never_selects_weights():
    net, values = torch.nn.Linear(1, 1, bias=False), iter([float("nan"), 2.0, float("nan")])
    for step in Context().steps(3, net=net, every=1, validate=lambda: next(values)):
        with torch.no_grad():
            net.weight.fill_(step)
    assert net.weight.item() == 1


@pytest.mark.parametrize("name", ["loss", "d_loss", "loss_kl"])
def test_f46_any_loss_that_is_not_finite_ends_the_training(name):
    ctx = Context()
    with pytest.raises(PluginError, match=f"the {name} became nan at step 3"):
        for step in ctx.steps(50):
            ctx.log(**{name: float("nan") if step == 3 else 1.0})
