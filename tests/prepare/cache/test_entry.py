import json
from dataclasses import replace

import numpy as np
import pytest

from uad_bench.errors import IntegrityError
from uad_bench.prepare.cache import entry
from uad_bench.prepare.cache.entry import digests_match, entry_folder, read_entry, sources, write_entry
from uad_bench.prepare.cache.file_digests import Source, compute_digests
from uad_bench.prepare.chain import run_chain

STEPS = [{"step": "canonical"}, {"step": "brain_mask"}, {"step": "scale"}]


def made(case, tmp_path, steps=STEPS):
    folder = named(case, tmp_path / "cache", steps)
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_entry(case, run_chain(case, ["t2"], steps), digests(case), folder)
    return folder


def digests(case):
    return {role: compute_digests(path, case.case_id) for role, path in sources(case, ["t2"]).items()}


def named(case, cache, steps=STEPS):
    return entry_folder(case, ["t2"], steps, digests(case), cache)


def test_an_entry_records_its_sources(toy_case, tmp_path):
    case = toy_case()
    record = read_entry(made(case, tmp_path))
    digests_of = compute_digests(Source(case.images["t2"]), "toy-1")
    assert record["sources"]["t2"] == {
        "name": "toy-1_t2.nii.gz",
        "voxels": digests_of.voxels,
        "grid": digests_of.grid,
    }
    assert set(record["sources"]) == {"t2", "lesion_mask"}
    assert record["modalities"] == ["t2"]
    assert {"nibabel", "numpy", "scipy"} <= set(record["versions"])
    assert np.array_equal(record["to_atlas"], np.eye(4))
    assert str(tmp_path) not in json.dumps(record)


def test_making_it_again_gives_the_same_bytes(toy_case, tmp_path):
    case = toy_case()
    folder = made(case, tmp_path)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(first) == {"image.npy", "brain_mask.npy", "lesion_mask.npy", "record.json", "thumbnail.npy"}
    assert {path.name: path.read_bytes() for path in made(case, tmp_path).iterdir()} == first


def test_lesions_lie_in_a_file_of_their_own_or_in_none(toy_case, tmp_path):
    folder = made(toy_case("well", lesion=False), tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [
        "brain_mask.npy",
        "image.npy",
        "record.json",
        "thumbnail.npy",
    ]


def test_an_axial_slice_is_one_piece_of_the_file(toy_case, tmp_path):
    folder = made(toy_case(), tmp_path)
    assert np.load(folder / "image.npy").shape == (46, 1, 48, 52)
    assert np.load(folder / "lesion_mask.npy").shape == (46, 48, 52)


def test_the_name_follows_all_that_matters_and_nothing_else(toy_case, write_nifti, tmp_path, monkeypatch):
    case = toy_case()

    def name(c=case, s=STEPS):
        return named(c, tmp_path, s).name

    base = name()
    assert name(s=[*STEPS[:2], {"step": "scale", "percentiles": [1, 99], "clip": True}]) == base
    assert name(replace(case, site="elsewhere")) == base
    assert name(toy_case("another-name")) == base  # the same voxels, whatever they are called
    others = {name(replace(case, lesion_labels=(1,))), name(replace(case, ignored_labels=(2,)))}
    others |= {name(replace(case, stripped=True)), name(replace(case, mask_threshold=0.5)), name(s=STEPS[:2])}
    others |= {name(s=[*STEPS[:2], {"step": "scale", "clip": False}]), name(toy_case(seed=1))}
    monkeypatch.setattr(entry, "RECIPE", -1)
    others.add(name())
    assert len(others | {base}) == 9


@pytest.mark.parametrize("harm", ["cut", "gone", "record", "empty record", "no folder"])
def test_an_entry_that_is_not_whole_is_no_entry(toy_case, tmp_path, harm):
    folder = made(toy_case(), tmp_path)
    target = folder / ("record.json" if "record" in harm else "image.npy")
    raw = target.read_bytes()
    changed = {
        "cut": raw[:-9],
        "record": raw[:40],
        "empty record": b"",
    }
    if harm in changed:
        target.write_bytes(changed[harm])
    elif harm == "gone":
        target.unlink()
    assert read_entry(folder if harm != "no folder" else folder / "none") is None


def test_a_flipped_bit_is_found_by_the_digests(toy_case, tmp_path):
    folder = made(toy_case(), tmp_path)
    record = read_entry(folder)
    assert digests_match(folder, record)
    raw = (folder / "image.npy").read_bytes()
    (folder / "image.npy").write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    assert not digests_match(folder, record)


def test_a_failure_in_the_middle_leaves_nothing(toy_case, tmp_path, monkeypatch):
    monkeypatch.setattr(entry, "write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        made(toy_case(), tmp_path)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_the_remains_of_a_killed_process_are_cleared(toy_case, tmp_path):
    case = toy_case()
    folder = named(case, tmp_path / "cache")
    remains = folder.with_name(f".{folder.name}.tmp")
    remains.mkdir(parents=True)
    (remains / "image.npy").write_bytes(b"half")
    assert read_entry(made(case, tmp_path)) is not None
    assert not remains.exists()


def test_ids_are_checked_before_anything_is_written(toy_case, tmp_path):
    case = toy_case()
    with pytest.raises(IntegrityError):
        named(replace(case, case_id="../up"), tmp_path)
