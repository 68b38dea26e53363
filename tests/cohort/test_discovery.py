"""Where the folder of a dataset is, and what is read of it."""

from pathlib import Path

import pytest

from uad_bench.cohort.discovery import Sources, find_cases
from uad_bench.errors import DataError


def test_a_root_above_the_working_folder_is_read_by_its_full_path(tmp_path, monkeypatch):
    subject = tmp_path / "training" / "Utrecht" / "0"
    for name in ("pre/FLAIR.nii.gz", "wmh.nii.gz"):
        (subject / name).parent.mkdir(parents=True, exist_ok=True)
        (subject / name).touch()
    monkeypatch.chdir(subject / "pre")
    for root in (Path(".."), Path("../../0"), subject):
        (case,), faults = find_cases("wmh", {}, Sources(tmp_path / "cache", {"wmh": root}))
        assert (case.case_id, case.site, faults) == ("Utrecht_0", "Utrecht", [])


def test_two_folders_of_a_dataset_are_no_choice(tmp_path, monkeypatch):
    (tmp_path / "IXI").mkdir()
    (tmp_path / "ixi").mkdir(exist_ok=True)
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("names of this file system differ in more than capitals")
    monkeypatch.setenv("UAD_BENCH_DATA", str(tmp_path))
    sources = Sources(tmp_path / "cache")
    with pytest.raises(DataError, match="two folders for dataset 'ixi': IXI and ixi") as caught:
        sources.named_root("ixi")
    assert caught.value.code == "UB301"
    assert sources.named_root("mslub") is None
