"""Commands and options that messages offer can be copied into a shell, whatever a file or a folder is named."""

import logging
import shutil
from types import SimpleNamespace

import pytest

from tests.helpers import toy_data
from tests.helpers.command import call
from uad_bench.cohort.discovery import Sources
from uad_bench.cohort.prepare_datasets import learnt_steps
from uad_bench.config import load_protocol
from uad_bench.errors import DataError, IntegrityError
from uad_bench.pipeline.foreign_code import _refuse


@pytest.fixture
def adapter(tmp_path):
    """A dataset in a folder whose name has a space."""
    (tmp_path / "my code").mkdir()
    return shutil.copy(toy_data.__file__, tmp_path / "my code" / "mine.py")


def test_the_folder_of_a_new_package(tmp_path, monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, "new", "metric", "mine", "--to", tmp_path / "my plug-in")
    assert (code, f"next: cd '{tmp_path / 'my plug-in'}'; pip" in out) == (0, True)


def test_a_dataset_that_is_to_be_shown(adapter, tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    code, _, err = call(
        monkeypatch, capsys, "data", "check", adapter, "--data", f"{adapter}={tmp_path / 'empty'}"
    )
    assert (code, f"uad-bench show '{adapter}'" in err) == (3, True)


def test_a_dataset_whose_folder_is_not_known(adapter, tmp_path, caplog):
    with pytest.raises(DataError) as caught:
        Sources(tmp_path).root(str(adapter), toy_data.ToyData())
    assert f"--data '{adapter}'=FOLDER" in str(caught.value)
    caplog.set_level(logging.WARNING, "uad_bench")
    learns = load_protocol("phantom", {"train": str(adapter), "prepare": [{"step": "histogram"}]})
    learnt_steps(learns, {}, Sources(tmp_path), [])
    assert f"add --data '{adapter}'=FOLDER" in caplog.text


def test_code_that_is_to_be_trusted():
    with pytest.raises(IntegrityError, match=r"--trust 'my code\.py:Mine'"):
        _refuse(SimpleNamespace(kind="run", name="r"), ["my code.py:Mine"])
