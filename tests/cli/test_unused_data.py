"""`run` warns of a --data for a dataset that no run uses, once for a matrix, and of no other."""

import pytest

from tests.helpers.command import call
from uad_bench.errors import UsageError
from uad_bench.pipeline import matrix

BOTH = ["--data", "ixi=ixi", "--data", "mslub=mslub"]


@pytest.fixture
def warned(monkeypatch, capsys, tmp_path):
    """warned(words ...) -> what `run` writes to stderr before it carries out a run."""

    def stop(*_):
        raise UsageError("far enough")

    def lines(*words):
        code, _, err = call(monkeypatch, capsys, "run", "thresh", *words, "--device", "cpu")
        assert code == 2 and "far enough" in err
        return err

    monkeypatch.setattr(matrix, "execute", stop)
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return lines


def test_data_that_the_default_protocol_does_not_use(warned):
    found = warned(*BOTH)
    assert (
        "--data ixi, mslub: not used; runs of protocol phantom train on phantom and test on phantom" in found
    )


def test_data_of_the_training_and_of_the_test_set_are_used(warned):
    assert "not used" not in warned(*BOTH, "--protocol", "uad-2mm", "--test", "mslub")
    assert "--data ixi: not used" in warned(*BOTH, "--test", "mslub")


def test_the_process_of_one_run_of_a_matrix_does_not_repeat_it(warned):
    assert "not used" not in warned(*BOTH, "--only", "0")


def test_a_dataset_in_a_file_has_the_name_of_the_file(warned, tmp_path):
    (tmp_path / "clinic.py").write_text("from uad_datasets.folder import FolderAdapter\n\n\n"
                                        "class Clinic(FolderAdapter):\n    name = 'clinic'\n")  # fmt: skip
    assert "not used" not in warned("--test", "clinic.py", "--data", "clinic.py=there")
