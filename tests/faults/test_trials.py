"""The short form of scripts/fuzz and scripts/kill: damaged inputs, and verbs killed and repeated."""

import pytest

from tests.helpers.trials.kills import VERBS, Killed
from tests.helpers.trials.kinds import KINDS, trial
from tests.helpers.trials.stock import Stock


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UAD_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield Stock(tmp_path_factory.mktemp("trials") / "stock")


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_inputs_are_refused_in_one_line_or_change_nothing(stock, kind):
    assert [fault for seed in range(10) if (fault := trial(kind, seed, stock))] == []


@pytest.mark.parametrize("verb", VERBS)
def test_f47_a_killed_verb_given_again_leaves_the_files_of_an_undisturbed_one(stock, verb):
    killed = Killed(verb, stock)
    calls = sorted({1, killed.moments // 2, killed.moments})
    assert [fault for n in calls if (fault := killed.at_call(n))] == []
    assert killed.after(0.7) is None
