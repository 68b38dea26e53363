"""A checkpoint is read back intact, or the previous one, or an error names the file."""

import pytest
import torch

from uad_bench.errors import IntegrityError
from uad_bench.method import checkpoint


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
    with pytest.raises(Exception, match=r"weights_only|Weights only"):
        checkpoint.load(path)


def test_f43_the_checkpoint_before_a_damaged_one_is_used_with_a_warning(tmp_path, caplog):
    path = tmp_path / "phase0.ckpt"
    checkpoint.save(path, {"step": 1})
    checkpoint.save(path, {"step": 2})
    path.write_bytes(path.read_bytes()[:-1])
    assert checkpoint.load(path) == {"step": 1}
    assert "phase0.ckpt is damaged or missing" in caplog.text
