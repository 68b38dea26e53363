"""Generators are tracked while a method refers to them, and policies do not interfere by default."""

import gc

import numpy as np

from uad_bench.method.loop_state import LoopState, Policy


def test_a_tracked_generator_draws_like_a_plain_one():
    tracked = LoopState().track("a", np.random.PCG64(5))
    assert tracked.random() == np.random.Generator(np.random.PCG64(5)).random()


def test_a_generator_is_kept_by_key_until_nothing_refers_to_it():
    loops = LoopState()
    kept = loops.track("kept", np.random.PCG64(0))
    loops.track("dropped", np.random.PCG64(1))
    gc.collect()
    assert dict(loops.generators) == {"kept": kept}


def test_a_new_generator_replaces_the_former_of_its_key():
    loops = LoopState()
    first = loops.track("a", np.random.PCG64(0))
    second = loops.track("a", np.random.PCG64(0))
    assert loops.generators["a"] is second is not first


def test_contexts_share_no_state():
    one, other = LoopState(), LoopState()
    one.logged["loss"] = 1.0
    one.track("a", np.random.PCG64(0))
    assert not other.logged and not other.generators


def test_a_policy_writes_and_limits_nothing_by_default():
    policy = Policy()
    assert (policy.folder, policy.resume, policy.time_budget_s, policy.sink) == (None, False, None, None)
