"""Locks that other hosts see: who has one, who has ended, and races where `flock` is not seen by the other host."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from uad_bench.support import lease, locks
from uad_bench.support.lease import Holder

#: A process as on another host: another kernel, and an `flock` that nobody else sees.
OTHER_HOST = """
import fcntl, json, sys, time
from pathlib import Path
from uad_bench.support import lease, locks
lease.boot = lambda: sys.argv[1]
lease.platform.node = lambda: sys.argv[1]
lease.BEAT, lease.STALE = 0.03, 60.0
fcntl.flock = lambda *_: None
root, wait = Path(sys.argv[2]), sys.argv[3] == "wait"
print("ready", flush=True)
for line in sys.stdin:
    entry = root / line.strip()
    try:
        with locks.locked(entry.with_suffix(".lock"), wait=wait):
            if wait and not entry.exists():
                time.sleep(0.01)
                with entry.open("a") as file:
                    file.write(f"{sys.argv[1]}\\n")
            print("won", flush=True)
            wait or sys.stdin.readline()
    except locks.Busy as error:
        print(f"busy: {error}", flush=True)
"""
KILLED = """
import os
from pathlib import Path
from uad_bench.support.locks import locked
held = locked(Path({!r}))
held.__enter__()
os._exit(9)
"""


@pytest.fixture
def no_watch(monkeypatch):
    """One pause after the lease was removed is usual; whoever watches the lease for longer fails."""
    pauses = [locks.SOON]
    monkeypatch.setattr(
        locks.time, "sleep", lambda _s: pauses.pop() if pauses else pytest.fail("the lease was watched")
    )


@pytest.fixture
def host(tmp_path):
    """host(name, mode) -> a process on a pretended host that locks the name in each line of its input."""
    started = []

    def start(name, mode):
        command = [sys.executable, "-c", OTHER_HOST, name, str(tmp_path), mode]
        one = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(one)
        assert one.stdout.readline() == "ready\n"
        return one

    yield start
    for one in started:
        one.kill()
        one.wait()
        with suppress(BrokenPipeError):  # a word that was not read any more
            one.stdin.close()
        one.stdout.close()


def ask(hosts, name):
    """What each host answers when all are to lock one name at once."""
    for one in hosts:
        one.stdin.write(f"{name}\n")
        one.stdin.flush()
    return [one.stdout.readline().strip() for one in hosts]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(lease, "BEAT", 0.05)
    monkeypatch.setattr(lease, "STALE", 0.3)


def left(tmp_path, **facts):
    """A lease that a process on another host left, whose last sign of life was some seconds ago."""
    age = facts.pop("age", 5.0)
    holder = replace(Holder.here(), host="away", boot="other", **facts)
    lease.create(tmp_path / "a.lease", holder)
    os.utime(tmp_path / "a.lease", (time.time() - age,) * 2)
    return holder


def test_two_hosts_race_fifty_times_for_an_entry_and_it_is_made_once(tmp_path, host):
    hosts = [host("one", "wait"), host("two", "wait")]
    for number in range(50):
        assert ask(hosts, f"entry{number}") == ["won", "won"]
        assert len((tmp_path / f"entry{number}").read_text().splitlines()) == 1
    for one in hosts:  # the answer comes before the lock is released
        one.stdin.close()
        assert one.wait(timeout=60) == 0
    assert not list(tmp_path.glob("*.lease*"))


def test_two_hosts_race_fifty_times_for_a_run_and_the_slower_one_names_the_other(tmp_path, host):
    hosts = {name: host(name, "no") for name in ("one", "two")}
    for number in range(50):
        answers = dict(zip(hosts, ask(hosts.values(), f"run{number}"), strict=True))
        (won,) = (name for name, answer in answers.items() if answer == "won")
        (busy,) = (answer for answer in answers.values() if answer != "won")
        assert f"on {won} for " in busy and "last sign of life " in busy
        hosts[won].stdin.write("release\n")


def test_a_stale_lease_of_another_host_is_taken_over(tmp_path, quick):
    left(tmp_path)
    with locks.locked(tmp_path / "a.lock"):
        assert lease.read(tmp_path / "a.lease").holder.host != "away"


def test_a_lease_that_nobody_renewed_for_a_day_is_taken_over_at_once(tmp_path, no_watch):
    left(tmp_path, age=90_000)
    with locks.locked(tmp_path / "a.lock"):
        assert lease.read(tmp_path / "a.lease").holder.pid == os.getpid()


def test_a_living_process_on_another_host_is_named(tmp_path, quick):
    holder = left(tmp_path, job="12_3", pid=77, since=time.time() - 200)
    ended = threading.Event()
    threading.Thread(target=locks._renew, args=(tmp_path / "a.lease", holder, ended)).start()
    with pytest.raises(locks.Busy) as caught, locks.locked(tmp_path / "a.lock"):
        pass
    ended.set()
    assert str(caught.value).startswith("process 77 on away, Slurm job 12_3 for 3 min, last sign of life 0 s")


def test_a_process_that_ended_on_this_host_leaves_no_lock(tmp_path, no_watch):
    script = KILLED.format(str(tmp_path / "a.lock"))
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    assert (tmp_path / "a.lease").exists()
    with locks.locked(tmp_path / "a.lock"):
        assert lease.read(tmp_path / "a.lease").holder.pid == os.getpid()


def test_the_lease_of_a_killed_process_is_removed_and_that_of_a_living_one_stays(tmp_path):
    script = KILLED.format(str(tmp_path / "a.lock"))
    subprocess.run([sys.executable, "-c", script], check=False)
    assert (tmp_path / "a.lease").exists()
    locks.remove_left_lease(tmp_path / "a.lock")
    assert not (tmp_path / "a.lease").exists()
    with locks.locked(tmp_path / "a.lock"):
        locks.remove_left_lease(tmp_path / "a.lock")
        assert (tmp_path / "a.lease").exists()


def test_a_process_that_has_the_flock_but_not_yet_its_lease_is_named_all_the_same(tmp_path):
    with (tmp_path / "a.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        threading.Timer(0.3, left, [tmp_path], {"pid": 77}).start()
        with pytest.raises(locks.Busy, match="process 77 on away"), locks.locked(tmp_path / "a.lock"):
            pass


def test_an_flock_without_a_lease_is_told_after_a_moment(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "SIGNING", 0.1)
    with (tmp_path / "a.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(locks.Busy, match="another process"), locks.locked(tmp_path / "a.lock"):
            pass


def test_without_flock_a_process_of_this_host_is_looked_up(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_flock", lambda _path: (None, True))
    lease.create(tmp_path / "a.lease", replace(Holder.here(), pid=2**22 + 1, began="1"))
    with locks.locked(tmp_path / "a.lock"):
        monkeypatch.setattr(lease, "BEAT", 0.05)
        assert lease.read(tmp_path / "a.lease").holder.pid == os.getpid()


def test_the_earlier_start_of_a_job_has_ended(tmp_path, monkeypatch, no_watch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    left(tmp_path)
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    with locks.locked(tmp_path / "a.lock"):
        assert lease.read(tmp_path / "a.lease").holder.job == "7"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', json.dumps({"no": 1})])
def test_a_lease_that_cannot_be_read_is_watched(tmp_path, quick, text):
    (tmp_path / "a.lease").write_text(text)
    began = time.monotonic()
    with locks.locked(tmp_path / "a.lock"):
        assert time.monotonic() - began > 0.3


def test_a_process_whose_lease_was_taken_over_is_ended(tmp_path, quick, caplog):
    got = []
    before = signal.signal(signal.SIGTERM, lambda *_: got.append(1))
    try:
        with locks.locked(tmp_path / "a.lock"):
            (tmp_path / "a.lease").unlink()
            other = left(tmp_path)
            end = time.monotonic() + 5
            while not got and time.monotonic() < end:
                time.sleep(0.02)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert got == [1]
    assert "taken over by process" in caplog.text
    assert lease.read(tmp_path / "a.lease").holder == other


def test_a_process_that_is_about_to_renew_a_lease_when_it_releases_it_is_not_ended(
    tmp_path, quick, monkeypatch
):
    got, entered, renew = [], threading.Event(), lease.renew

    def slow(place, holder):
        entered.set()
        time.sleep(0.2)
        return renew(place, holder)

    monkeypatch.setattr(lease, "renew", slow)
    before = signal.signal(signal.SIGTERM, lambda *_: got.append(1))
    try:
        with locks.locked(tmp_path / "a.lock"):
            assert entered.wait(5)
        left(tmp_path)
        time.sleep(0.4)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert got == []


def test_a_process_without_a_handler_is_told_to_be_stopped(tmp_path, caplog):
    holder = Holder.here()
    lease.create(tmp_path / "a.lease", replace(holder, token="other"))
    before, ended = signal.signal(signal.SIGTERM, signal.SIG_DFL), threading.Event()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lease, "BEAT", 0.01)
            locks._renew(tmp_path / "a.lease", holder, ended)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "this process must end; stop it" in caplog.text
