import json
import os
from dataclasses import replace

import numpy as np
import pytest

from uad_bench.errors import DataError, IntegrityError
from uad_bench.files import sha256
from uad_bench.prepare import entry
from uad_bench.prepare.entry import entry_folder, make_entry, read_entry

STEPS = [{"step": "canonical"}, {"step": "brain_mask"}, {"step": "scale"}]


def made(case, tmp_path, steps=STEPS):
    folder = entry_folder(case, ["t2"], steps, tmp_path / "cache")
    folder.parent.mkdir(parents=True, exist_ok=True)
    make_entry(case, ["t2"], steps, folder)
    return folder


def test_an_entry_holds_what_it_was_made_from(toy_case, tmp_path):
    case = toy_case()
    record = read_entry(made(case, tmp_path))
    assert record["sources"]["t2"] == {"file": "toy-1_t2.nii.gz", "sha256": sha256(case.images["t2"])}
    assert set(record["sources"]) == {"t2", "lesion_mask"}
    assert set(record["versions"]) == {"nibabel", "numpy", "scipy"}
    assert str(tmp_path) not in json.dumps(record)


def test_making_it_again_gives_the_same_bytes(toy_case, tmp_path):
    case = toy_case()
    folder = made(case, tmp_path)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(first) == {"image.npy", "brain_mask.npy", "lesion_mask.npy", "record.json"}
    assert {path.name: path.read_bytes() for path in made(case, tmp_path).iterdir()} == first


def test_lesions_lie_in_a_file_of_their_own_or_in_none(toy_case, tmp_path):
    folder = made(toy_case("well", lesion=False), tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["brain_mask.npy", "image.npy", "record.json"]


def test_the_name_follows_all_that_matters_and_nothing_else(toy_case, tmp_path, monkeypatch):
    case = toy_case()
    name = lambda c=case, m=("t2",), s=STEPS: entry_folder(c, m, s, tmp_path).name  # noqa: E731
    base = name()
    assert name(s=[*STEPS[:2], {"step": "scale", "percentiles": [1, 99], "clip": True}]) == base
    assert name(replace(case, site="elsewhere")) == base
    others = {
        name(replace(case, lesion_labels=(1,))),
        name(replace(case, case_id="toy-2")),
        name(s=STEPS[:2]),
    }
    others |= {name(s=[*STEPS[:2], {"step": "scale", "clip": False}]), name(replace(case, dataset="other"))}
    os.utime(case.images["t2"], ns=(1, 1))
    others.add(name())
    monkeypatch.setattr(entry, "RECIPE", -1)
    others.add(name())
    assert len(others | {base}) == 8


@pytest.mark.parametrize("harm", ["cut", "flip", "gone", "record", "empty record", "no folder"])
def test_an_entry_that_is_not_whole_is_no_entry(toy_case, tmp_path, harm):
    folder = made(toy_case(), tmp_path)
    target = folder / ("record.json" if "record" in harm else "image.npy")
    raw = target.read_bytes()
    changed = {
        "cut": raw[:-9],
        "flip": raw[:-1] + bytes([raw[-1] ^ 1]),
        "record": raw[:40],
        "empty record": b"",
    }
    if harm in changed:
        target.write_bytes(changed[harm])
    elif harm == "gone":
        target.unlink()
    assert read_entry(folder if harm != "no folder" else folder / "none") is None


def test_a_failure_in_the_middle_leaves_nothing(toy_case, tmp_path, monkeypatch):
    monkeypatch.setattr(entry, "write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        made(toy_case(), tmp_path)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_the_remains_of_a_killed_process_are_cleared(toy_case, tmp_path):
    case = toy_case()
    folder = entry_folder(case, ["t2"], STEPS, tmp_path / "cache")
    remains = folder.with_name(f".{folder.name}.tmp")
    remains.mkdir(parents=True)
    (remains / "image.npy").write_bytes(b"half")
    assert read_entry(made(case, tmp_path)) is not None
    assert not remains.exists()


def test_ids_and_files_are_checked_before_anything_is_written(toy_case, tmp_path):
    case = toy_case()
    with pytest.raises(IntegrityError):
        entry_folder(replace(case, case_id="../up"), ["t2"], STEPS, tmp_path)
    with pytest.raises(DataError, match=r"cannot read the file.*toy-1.*gone\.nii") as caught:
        entry_folder(replace(case, images={"t2": tmp_path / "gone.nii"}), ["t2"], STEPS, tmp_path)
    assert caught.value.exit_code == 3
    assert np.array_equal(sorted(p.name for p in tmp_path.iterdir()), ["toy-1_m.nii.gz", "toy-1_t2.nii.gz"])
