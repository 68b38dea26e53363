import multiprocessing
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.cache_trees import tree
from uad_bench.errors import DataError, EnvironmentFault, IntegrityError
from uad_bench.prepare.cache.prepared_case import find_prepared, prepare_case
from uad_bench.types import Case

STEPS = [
    {"step": "canonical"},
    {"step": "brain_mask"},
    {"step": "resample", "spacing": [2, 2, 2], "shape": [26, 28, 24]},
    {"step": "scale"},
]


def test_scan_and_truth_are_what_the_contracts_say(toy_case, tmp_path):
    entry = prepare_case(toy_case(), ["t2"], STEPS, tmp_path / "cache")
    scan, truth = entry.scan(), entry.truth()
    assert (scan.case_id, scan.modalities, scan.spacing, scan.shape) == (
        "toy-1",
        ("t2",),
        (2, 2, 2),
        (26, 28, 24),
    )
    assert (scan.image.dtype, scan.image.shape) == (np.float32, (1, 26, 28, 24))
    assert truth.lesion_mask.sum() == 16
    assert truth.lost == 0
    for array in (scan.image, scan.brain_mask, truth.lesion_mask):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_truth_of_a_healthy_case_is_empty_and_of_an_unlabelled_one_unknown(toy_case, tmp_path):
    case = toy_case(lesion=False)
    truth = prepare_case(case, ["t2"], STEPS, tmp_path / "cache").truth()
    assert truth.lesion_mask.shape == (26, 28, 24)
    assert not truth.lesion_mask.any()
    with pytest.raises(DataError, match="no lesion mask"):
        prepare_case(replace(case, healthy=False), ["t2"], STEPS, tmp_path / "cache").truth()


def test_lesion_voxels_outside_the_grid_are_kept_as_lost(toy_case, tmp_path):
    steps = [*STEPS[:2], {**STEPS[2], "shape": [10, 28, 24]}]
    truth = prepare_case(toy_case(), ["t2"], steps, tmp_path / "cache").truth()
    assert truth.lost + truth.lesion_mask.sum() == pytest.approx(125 / 8, abs=2)
    assert truth.lost > 0


def test_the_second_time_no_source_is_opened(toy_case, tmp_path, sealed):
    case = toy_case()
    first = prepare_case(case, ["t2"], STEPS, tmp_path / "cache")
    sealed()
    again = prepare_case(case, ["t2"], STEPS, tmp_path / "cache")
    assert again == first
    with pytest.raises(AssertionError, match="was opened"):
        prepare_case(case, ["t2"], STEPS[:2], tmp_path / "cache")


def test_what_is_ready_is_found_without_opening_anything_and_nothing_else_is(toy_case, tmp_path, sealed):
    case, cache = toy_case(), tmp_path / "cache"
    sealed()
    assert find_prepared(case, ["t2"], STEPS, cache) is None


def test_copies_of_a_scan_share_an_entry_and_keep_their_names(toy_case, tmp_path):
    one, two = (prepare_case(toy_case(name), ["t2"], STEPS, tmp_path / "cache") for name in ("one", "two"))
    assert one.folder == two.folder
    assert (one.scan().case_id, two.scan().case_id) == ("one", "two")


def test_an_edited_file_is_prepared_again_though_name_and_size_are_the_same(toy_case, tmp_path):
    case = toy_case()
    first = prepare_case(case, ["t2"], STEPS, tmp_path / "cache")
    other = toy_case("other", seed=5)
    other.images["t2"].replace(case.images["t2"])
    assert prepare_case(case, ["t2"], STEPS, tmp_path / "cache").content != first.content


def test_another_grid_of_an_image_that_places_the_mask_gives_another_entry(toy_case, write_nifti, tmp_path):
    """The protocol uses T2 alone; the lesion mask has the voxels of FLAIR, whose header is corrected later."""
    case, values = toy_case(), np.full((24, 26, 23), 50, np.float32)
    values[::2] = 60
    mask, coarse = np.zeros(values.shape, np.uint8), np.diag([2.0, 2, 2, 1])
    mask[15:17, 13:15, 10:12], coarse[:3, 3] = 1, (-23.5, -25.5, -21.5)
    shifted = coarse.copy()
    shifted[1, 3] += 12
    images = {**case.images, "flair": write_nifti("flair.nii.gz", values, coarse)}
    wrong = nib.load(images["flair"])
    wrong.set_qform(coarse, 1)
    wrong.set_sform(shifted, 1)
    nib.save(wrong, images["flair"])
    case = replace(case, images=images, lesion_mask=write_nifti("lesions.nii.gz", mask, coarse))
    before = prepare_case(case, ["t2"], STEPS, tmp_path / "cache")
    write_nifti("flair.nii.gz", values, coarse)
    assert find_prepared(case, ["t2"], STEPS, tmp_path / "cache") is None
    after = prepare_case(case, ["t2"], STEPS, tmp_path / "cache")
    centres = [np.argwhere(entry.truth().lesion_mask).mean(axis=0) for entry in (before, after)]
    np.testing.assert_allclose(centres[0] - centres[1], (0, 6, 0), atol=0.1)  # 12 mm


def test_warnings_of_a_mask_are_recorded_and_known_from_the_cache(toy_case, write_nifti, tmp_path):
    case = toy_case()
    whole = nib.load(case.lesion_mask)
    affine = whole.affine.copy()
    affine[0, 3] += 0.25
    rounded = np.asarray(whole.dataobj) * np.float32(1.0001)
    case = replace(case, lesion_mask=write_nifti("lesions.nii.gz", rounded, affine))
    for cached in (False, True):
        entry = prepare_case(case, ["t2"], STEPS, tmp_path / "cache")
        assert entry.cached == cached
        assert entry.warnings[:2] == [
            "lesions.nii.gz: the mask is 0.25 voxels off its image; read as on the image's grid",
            "lesions.nii.gz: 125 labels are off an integer by up to 1.0e-04; rounded",
        ]


def test_a_bit_that_flipped_in_the_cache_never_reaches_a_method(toy_case, tmp_path):
    entry = prepare_case(toy_case(), ["t2"], STEPS, tmp_path / "cache")
    raw = (entry.folder / "image.npy").read_bytes()
    (entry.folder / "image.npy").write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(IntegrityError, match="changed after it was made") as caught:
        entry.scan()
    assert caught.value.exit_code == 5


def test_ignored_voxels_are_returned_with_the_lesions(toy_case, write_nifti, tmp_path):
    case = toy_case()
    labels = np.zeros((48, 52, 46), np.uint8)
    labels[30:34, 28:32, 18:22], labels[20:24, 20:24, 20:24] = 1, 2
    affine = np.eye(4)
    affine[:3, 3] = (-24, -26, -22)
    mask = write_nifti("labels.nii.gz", labels, affine)
    case = replace(case, lesion_mask=mask, lesion_labels=(1,), ignored_labels=(2,))
    truth = prepare_case(case, ["t2"], STEPS, tmp_path / "cache").truth()
    assert (truth.lesion_mask.sum(), truth.ignored.sum()) == (8, 8)
    assert not (truth.lesion_mask & truth.ignored).any()


def test_a_damaged_entry_is_made_again(toy_case, tmp_path):
    case = toy_case()
    entry = prepare_case(case, ["t2"], STEPS, tmp_path / "cache")
    good = tree(tmp_path / "cache")
    (entry.folder / "image.npy").write_bytes(b"\0" * 100)
    (entry.folder / "lesion_mask.npy").unlink()
    prepare_case(case, ["t2"], STEPS, tmp_path / "cache")
    assert tree(tmp_path / "cache") == good


def _race(case: Case, cache: Path, gate) -> None:
    gate.wait()
    prepare_case(case, ["t2"], STEPS, cache)


def test_f41_two_processes_that_race_end_with_one_entry(toy_case, tmp_path):
    case, context = toy_case(), multiprocessing.get_context("spawn")
    gate = context.Barrier(2)
    racers = [context.Process(target=_race, args=(case, tmp_path / "both", gate)) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    assert [racer.exitcode for racer in racers] == [0, 0]
    prepare_case(case, ["t2"], STEPS, tmp_path / "alone")
    assert tree(tmp_path / "both") == tree(tmp_path / "alone")


def test_a_cache_that_cannot_be_written_is_the_machines_fault(toy_case, tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(EnvironmentFault, match="cannot write the cache") as caught:
        prepare_case(toy_case(), ["t2"], STEPS, tmp_path / "cache")
    assert caught.value.exit_code == 6
