"""The short form of scripts/fuzz and scripts/kill: damaged inputs, and verbs killed and repeated."""

import fcntl

import pytest

from tests.helpers.trials.kills import VERBS, Killed
from tests.helpers.trials.kinds import KINDS, trial
from tests.helpers.trials.stock import Stock
from uad_bench.support.atomic_files import _kernel, remove_leftovers, require_writable, write_text


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


def test_what_a_killed_process_left_is_removed_and_what_another_writes_now_is_kept(tmp_path):
    left, empty, now = (tmp_path / f".a.json.{_kernel()}{n}.tmp" for n in (1, 2, 3))
    for path, text in ((left, "{}"), (empty, ""), (now, "{}")):
        path.write_text(text)
    with now.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        remove_leftovers(tmp_path / "a.json")
    assert (left.exists(), empty.exists(), now.exists()) == (False, False, True)


def test_a_probe_that_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / f".probe.{_kernel()}0.tmp").touch()
    require_writable(tmp_path / "runs")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_taken_for_a_leftover_before_it_is_locked_is_begun_again(tmp_path, monkeypatch):
    taken = []

    def flock(file, operation):
        if not taken:
            taken.extend(tmp_path.glob(".a.json.*.tmp"))
            taken[0].unlink()

    monkeypatch.setattr(fcntl, "flock", flock)
    write_text(tmp_path / "a.json", "{}")
    assert len(taken) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "{}"
