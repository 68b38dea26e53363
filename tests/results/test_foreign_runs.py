"""F89, F94: a run directory from elsewhere is data: it runs no code, leads nowhere, and claims no memory."""

import io
import zipfile

import numpy as np
import pytest

from tests.helpers.command import call
from uad_bench.errors import IntegrityError
from uad_bench.results import serialise
from uad_bench.results.run_directory import RunDir


def npz(**arrays):
    data = io.BytesIO()
    np.savez_compressed(data, **arrays)
    return data.getvalue()


def claiming(shape):
    """An archive whose array has a header that claims another shape."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": shape})
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("values.npy", head.getvalue() + bytes(64))
    return data.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        claiming((200_000, 200_000, 200_000)),
        npz(values=np.zeros(1, np.float32), shape=np.array([200_000] * 3), brain=np.zeros(4, np.uint8)),
        npz(values=np.zeros(1, np.float32), shape=np.array([2, 2, -1]), brain=np.zeros(4, np.uint8)),
        npz(values=np.zeros(1, np.float32), shape=np.array([10**9]), brain=np.zeros(4, np.uint8)),
        npz(values=np.zeros(120_000_000, np.float32)),
    ],
    ids=["header", "shape", "negative", "one axis", "bomb"],
)
def test_f94_a_map_that_claims_too_much_is_unreadable(data):
    with pytest.raises(serialise.UNREADABLE):
        serialise.unpack_map(data)
    with pytest.raises(serialise.UNREADABLE):
        serialise.unpack_draws(data)


def test_f94_a_map_reads_back():
    values, brain = np.random.default_rng(0).random((3, 4, 5), np.float32), np.ones((3, 4, 5), bool)
    assert np.array_equal(serialise.unpack_map(serialise.pack_map(values, brain, 32)), values)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", "..", "x\0y", "c\\d"])
def test_names_that_leave_the_folder_are_refused(tmp_path, name):
    with pytest.raises(IntegrityError, match="no name of a file"):
        RunDir(tmp_path).read_map("phantom", name)


@pytest.mark.parametrize("text", ['{"../x": "0"}', '{"/etc/passwd": "0"}', "[]", "[" * 100_000, "{"])
def test_digests_of_other_files_are_refused(tmp_path, text):
    (tmp_path / "digests.json").write_text(text)
    with pytest.raises(IntegrityError):
        RunDir(tmp_path).verify()


def test_f89_a_number_beyond_all_floats_is_no_traceback(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "runs" / "toy" / "x" / "seed0-00000000"
    folder.mkdir(parents=True)
    (folder / "spec.yaml").write_text("{}")
    (folder / "status.json").write_text('{"state": "complete", "fit_s": 1' + "0" * 400 + "}")
    code, _, error = call(monkeypatch, capsys, "leaderboard", tmp_path / "runs")
    assert code in {5, 7} and "Traceback" not in error
