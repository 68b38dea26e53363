"""A checkpoint is read back intact, or the previous one, or an error names the file."""

import contextlib
import hashlib
import os
import pickle
import signal
import subprocess
import sys
import time

import pytest
import torch

from uad_bench.errors import IntegrityError, UsageError
from uad_bench.method import checkpoint
from uad_bench.method.context import Context
from uad_bench.method.loop_state import Policy


@pytest.fixture
def two(tmp_path):
    """The path of a checkpoint that was written twice."""
    path = tmp_path / "a.ckpt"
    checkpoint.save(path, {"step": 1})
    checkpoint.save(path, {"step": 2})
    return path


def damage(path, position=60):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(bytes(data))


def test_tensors_numbers_and_containers_come_back_on_the_cpu(tmp_path):
    path = tmp_path / "a.ckpt"
    state = {"net": {"w": torch.arange(3.0)}, "step": 7, "best": None, "names": ["a", "b"]}
    checkpoint.save(path, state)
    found = checkpoint.load(path)
    assert torch.equal(found["net"]["w"], torch.arange(3.0)) and found["net"]["w"].device.type == "cpu"
    assert {key: found[key] for key in ("step", "best", "names")} == {
        "step": 7,
        "best": None,
        "names": ["a", "b"],
    }


def test_no_file_is_no_checkpoint(tmp_path):
    assert checkpoint.load(tmp_path / "none.ckpt") is None


def test_the_newest_is_read_and_the_previous_one_stays(two):
    assert checkpoint.load(two) == {"step": 2}
    two.unlink()
    assert checkpoint.load(two) == {"step": 1}


@pytest.mark.parametrize("position", [0, 31, 32, 60])
def test_a_damaged_checkpoint_falls_back_to_the_previous_one(two, position):
    damage(two, position)
    assert checkpoint.load(two) == {"step": 1}


def test_a_truncated_checkpoint_falls_back_to_the_previous_one(two):
    two.write_bytes(two.read_bytes()[:-1])
    assert checkpoint.load(two) == {"step": 1}


def test_two_damaged_files_are_an_error_that_names_the_file(two):
    damage(two)
    two.with_suffix(".previous").write_bytes(b"short")
    with pytest.raises(
        IntegrityError, match=r"no checkpoint matches its digest \(.*a\.ckpt\): delete the folder"
    ):
        checkpoint.load(two)


def test_content_that_would_run_code_is_not_loaded(tmp_path):
    path = tmp_path / "a.ckpt"
    checkpoint.save(path, {"call": print})
    with pytest.raises(Exception, match="cannot be read"):
        checkpoint.load(path)


def test_f43_the_checkpoint_before_a_damaged_one_is_used_with_a_warning(tmp_path, caplog):
    path = tmp_path / "phase0.ckpt"
    checkpoint.save(path, {"step": 1})
    checkpoint.save(path, {"step": 2})
    path.write_bytes(path.read_bytes()[:-1])
    assert checkpoint.load(path) == {"step": 1}
    assert "phase0.ckpt is damaged or missing" in caplog.text


def test_f42_a_checkpoint_that_holds_code_is_refused_and_runs_nothing(tmp_path):
    path, mark = tmp_path / "phase0.ckpt", tmp_path / "executed"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(mark),)

    content = pickle.dumps({"step": Evil()})
    path.write_bytes(hashlib.sha256(content).digest() + content)
    with pytest.raises(IntegrityError) as caught:
        checkpoint.load(path)
    assert (caught.value.exit_code, mark.exists()) == (5, False)
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("state", [{"weights": 1}, {"step": 1, "elapsed": 0.0, "done": False}])
def test_f45_a_checkpoint_of_another_method_is_refused_in_one_line(tmp_path, state):
    checkpoint.save(tmp_path / "phase0.ckpt", state)
    ctx = Context(policy=Policy(tmp_path, resume=True))
    with pytest.raises(UsageError, match="of another method") as caught:
        next(ctx.steps(3, net=torch.nn.Linear(1, 1)))
    assert caught.value.exit_code == 2


def test_f45_a_checkpoint_of_another_shape_is_refused_in_one_line(tmp_path):
    policy = Policy(tmp_path, resume=True, checkpoint_minutes=0)
    for _ in Context(policy=policy).steps(2, net=torch.nn.Linear(1, 1)):
        pass
    with pytest.raises(UsageError, match=r"of another method, version or shape: .*size mismatch"):
        next(Context(policy=policy).steps(5, net=torch.nn.Linear(2, 2)))


SAVING = """
import sys
from pathlib import Path
import torch
from uad_bench.method import checkpoint
for step in range(10**6):
    checkpoint.save(Path(sys.argv[1]), {"step": step, "weights": torch.full((100_000,), step)})
"""


def times_saved(folder):
    """When a checkpoint was last finished, 0 for never; a file may be renamed between its listing and its stat."""
    times = [0]
    for path in folder.glob("a.*"):
        with contextlib.suppress(FileNotFoundError):
            times.append(path.stat().st_mtime_ns)
    return max(times)


def test_f47_a_kill_while_a_checkpoint_is_saved_loses_none(tmp_path):
    path, steps = tmp_path / "a.ckpt", []
    for number in range(4):
        before = times_saved(tmp_path)
        process = subprocess.Popen([sys.executable, "-c", SAVING, str(path)])
        try:
            while times_saved(tmp_path) <= before and process.poll() is None:
                time.sleep(0.01)
            time.sleep(0.013 * (number + 1))
        finally:  # else a failure here would wait for a million steps
            process.kill()
            assert process.wait() == -signal.SIGKILL
        found = checkpoint.load(path)
        assert found is not None and bool((found["weights"] == found["step"]).all())
        steps.append(found["step"])
    assert max(steps) > 0
