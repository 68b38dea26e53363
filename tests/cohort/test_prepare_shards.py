"""`prepare --shard i/n`: jobs that share the cases of some datasets."""

import subprocess
import sys

import pytest

from tests.helpers import toy_data
from tests.helpers.command import call
from uad_bench.cohort.discovery import Sources, pinned_protocol
from uad_bench.cohort.prepare_datasets import Shard, learnt_steps, prepare_datasets
from uad_bench.prepare.cache.inventory import entries

DATA = toy_data.__file__
PROTOCOL = toy_data.__file__.replace("toy_data.py", "toy.yaml")
SET = [f"protocol.train={DATA}", f"protocol.test=[{DATA}]", f"protocol.splits.tune={{{DATA}: 0.4}}"]


@pytest.fixture
def words(toy_root, tmp_path, monkeypatch):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    options = [word for text in SET for word in ("--set", text)]
    return ["prepare", DATA, "--protocol", PROTOCOL, "--data", f"{DATA}={toy_root}", *options]


def test_shards_cover_every_item_once():
    for of in (1, 2, 3, 7):
        shares = [Shard(which, of).share(range(10)) for which in range(1, of + 1)]
        assert sorted(item for share in shares for item in share) == list(range(10))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_each_shard_prepares_its_own_cases(words, tmp_path, monkeypatch, capsys):
    counts = []
    for number in (1, 2, 3):
        code, out, _ = call(monkeypatch, capsys, *words, "--shard", f"{number}/3")
        assert code == 0
        assert f"cases of shard {number}/3 are prepared" in out
        counts.append(len(list(entries(tmp_path / "cache"))))
    assert counts == [6, 11, 16]


def test_shards_at_once_prepare_every_case_once(words, tmp_path):
    command = [sys.executable, "-m", "uad_bench", *words, "--workers", "1", "--shard"]
    shards = [subprocess.Popen([*command, f"{n}/2"], stdout=subprocess.PIPE, text=True) for n in (1, 2)]
    assert ["8 of 8" in one.communicate()[0] for one in shards] == [True, True]
    assert len(list(entries(tmp_path / "cache"))) == 16


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "-1/2", "1/2/3"])
def test_another_form_is_a_usage_error(words, monkeypatch, capsys, text):
    code, _, err = call(monkeypatch, capsys, *words, "--shard", text)
    assert (code, "write i/n" in err) == (2, True)


def test_every_shard_learns_from_all_training_cases(toy_root, tmp_path):
    over = {"train": DATA, "test": [DATA], "splits": {"tune": {DATA: 0.4}}}
    protocol = pinned_protocol(PROTOCOL, over)
    protocol = protocol.model_copy(update={"prepare": (*protocol.prepare[:3], {"step": "histogram"})})
    here = Sources(tmp_path, {"toy_data": toy_root})
    learnt = [learnt_steps(protocol, {}, here, [DATA], Shard(which, 2)) for which in (1, 2)]
    assert learnt[0] == learnt[1] == learnt_steps(protocol, {}, here, [DATA])
    prepared = [next(prepare_datasets([DATA], protocol, {}, here, Shard(which, 2))) for which in (1, 2)]
    assert [one.found for one in prepared] == [8, 8]


def test_a_dataset_without_a_folder_is_an_error_before_any_work(words, tmp_path, monkeypatch, capsys):
    code, out, err = call(monkeypatch, capsys, *words[:2], "ixi", *words[2:])
    assert (code, out) == (3, "") and "no folder is known for dataset 'ixi'" in err
    assert not list(entries(tmp_path / "cache"))


def test_a_dataset_that_is_named_twice_is_prepared_once(words, monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, *words[:2], words[1], *words[2:])
    assert (code, out.count("cases are prepared")) == (0, 1)
