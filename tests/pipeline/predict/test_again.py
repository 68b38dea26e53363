"""A prediction that is in the folder already: kept, made again with a reason, or not replaced."""

import json

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.predictions import TRUST, loaded
from tests.helpers.toy_data import AFFINE, SHAPE

MAP = "out/sub-{0}/anat/sub-{0}_desc-blurpostprocessed_scoremap.nii.gz"


@pytest.fixture
def predict(predict):
    """`predict` without its picture, which takes longer than a toy map."""
    return lambda *words: predict(*words, "--no-sheet")


def edit(path, change=lambda a: a, affine=AFFINE, qform=None):
    """Write a file again with other voxels or another header."""
    image = nib.Nifti1Image(change(loaded(path)), affine)
    image.set_sform(affine, 1)
    image.set_qform(affine if qform is None else qform, 1)
    nib.save(image, path)


def sidecar(tmp_path, name="a07"):
    return json.loads((tmp_path / MAP.format(name)).with_suffix("").with_suffix(".json").read_text())


TURNED = np.diag([-6.0, 6.0, 6.0, 1.0])


def other_affine(scan):
    edit(scan, affine=np.diag([5.9, 6.0, 6.0, 1.0]))


def other_codes(scan):
    image = nib.load(scan)
    header = nib.Nifti1Image(loaded(scan), AFFINE)
    header.set_sform(AFFINE, 4)
    assert image.get_sform(coded=True)[1] != 4
    nib.save(header, scan)


def smaller_mask(scan):
    edit(
        scan.with_name("a07_brain.nii.gz"),
        lambda a: a * (np.arange(a.shape[0]) > 4)[:, None, None].astype("u1"),
    )


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (other_affine, (), ()),
        (other_codes, (), ()),
        (smaller_mask, ("--brain-mask", "in/a07_brain.nii.gz"), ("--brain-mask", "in/a07_brain.nii.gz")),
        (None, (), ("--brain-mask", "in/a07_brain.nii.gz")),
        (None, (), ("--stripped",)),
    ],
)
def test_a_map_is_made_again_after_a_change_of_its_scan_but_its_voxels(
    predict, scan, tmp_path, change, before, after
):
    assert predict(scan, *before)[0] == 0
    if change:
        change(scan)
    code, _, err = predict(scan, *after)
    assert (
        code == 0 and "predicted already" not in err and "predicted again: the map in the folder is of" in err
    )
    kept = {p.name: p.read_bytes() for p in (tmp_path / "out").rglob("*.*") if p.is_file()}
    predict(scan, *after, "--fresh")
    assert kept == {p.name: p.read_bytes() for p in (tmp_path / "out").rglob("*.*") if p.is_file()}
    assert "predicted already" in predict(scan, *after)[2]


def test_another_orientation_gives_another_map(predict, scan, tmp_path):
    turned = TURNED.copy()
    turned[0, 3] = 6.0 * (SHAPE[0] - 1)
    edit(scan, qform=turned)
    maps = []
    for word in ("sform", "qform"):
        code, _, err = predict(scan, "--orientation", word)
        assert code == 0 and "predicted already" not in err
        assert sidecar(tmp_path)["Declared"]["Orientation"] == word
        maps.append(sidecar(tmp_path)["FilesSha256"])
    assert ("predicted again" in err) and maps[0] != maps[1]


@pytest.mark.parametrize("fails", ["brain_mask.nii.gz", "brain_mask.json", "scoremap.nii.gz", "last"])
def test_a_prediction_that_a_full_disk_cut_off_is_not_finished(predict, scan, tmp_path, monkeypatch, fails):
    from uad_bench.pipeline.predict import files
    from uad_bench.support.atomic_files import cannot_write

    assert predict(scan)[0] == 0
    edit(scan, affine=np.diag([5.9, 6.0, 6.0, 1.0]))

    def limited(write):
        def writer(path, value, *words):
            if path.name.endswith(fails) or (fails == "last" and "Background" in str(value)):
                raise cannot_write(OSError(27, "File too large"), path)
            write(path, value, *words)

        return writer

    with monkeypatch.context() as patch:
        for name in ("write_json", "write_volume"):
            patch.setattr(files, name, limited(getattr(files, name)))
        code, _, err = predict(scan)
    assert code == 6 and "cannot write" in err
    assert (tmp_path / "out/predictions.tsv").read_text().count("\n") == 1
    code, _, err = predict(scan)
    assert code == 0 and "predicted again: the prediction in the folder was not finished" in err
    assert "predicted already" in predict(scan)[2]


def test_a_file_that_was_exchanged_and_a_map_of_an_earlier_version_are_made_again(predict, scan, tmp_path):
    predict(scan, "--prepared-grid")
    (raw,) = (tmp_path / "out").rglob("*raw_scoremap.nii.gz")
    data = raw.read_bytes()
    raw.write_bytes(b"else")
    assert f"predicted again: not there, or changed: {raw.name}" in predict(scan, "--prepared-grid")[2]
    assert raw.read_bytes() == data
    edit(scan, affine=np.diag([5.9, 6.0, 6.0, 1.0]))
    predict(scan)  # without --prepared-grid
    assert raw.read_bytes() != data
    side = (tmp_path / MAP.format("a07")).with_suffix("").with_suffix(".json")
    about = sidecar(tmp_path)
    side.write_text(json.dumps({key: about[key] for key in about if key != "FilesSha256"}))
    assert "of an earlier version" in predict(scan)[2]


def test_the_map_of_another_scan_of_that_name_is_replaced_by_fresh_alone(predict, scan, toy_root, tmp_path):
    predict(scan)
    before = (tmp_path / MAP.format("a07")).read_bytes()
    edit(scan, lambda a: a[::-1])
    code, _, err = predict(scan, toy_root / "a00_t2.nii.gz")
    assert code == 7 and "a map of another scan exists already, its id is a07" in err and "--fresh" in err
    assert (tmp_path / MAP.format("a07")).read_bytes() == before
    code, _, err = predict(scan)
    assert code == 2 and "UB232" in err
    code, _, err = predict(scan, "--id", "a-07")
    assert code == 2 and "UB232" in err
    assert predict(scan, "--fresh")[0] == 0
    assert (tmp_path / MAP.format("a07")).read_bytes() != before


def test_the_interface_replaces_no_map_of_another_scan(predict, run, scan, tmp_path):
    from uad_bench import api
    from uad_bench.errors import UsageError

    words = {"to": tmp_path / "out", "trusted": TRUST[1:], "device": "cpu"}
    api.predict(run.path, scan, **words)
    edit(scan, lambda a: a[::-1])
    with pytest.raises(UsageError, match="a map of another scan"):
        api.predict(run.path, scan, **words)


def test_what_the_reader_changed_is_in_the_json_and_said_each_time(predict, scan, tmp_path):
    apart = AFFINE.copy()
    apart[0, 3] = 12
    edit(scan, qform=apart)
    for _ in range(2):
        code, _, err = predict(scan, "--stripped")
        assert code == 0 and err.count("12 mm (2 voxels) apart; the sform is read") == 1
        assert any("the sform is read" in text for text in sidecar(tmp_path)["Warnings"])


def test_the_hint_of_a_header_names_the_option(predict, scan):
    edit(scan, qform=TURNED)
    code, _, err = predict(scan)
    assert code == 3 and "UB325" in err and "--orientation" in err


@pytest.mark.parametrize(
    "change",
    [
        {"FilesSha256": None}, {"Thresholds": None}, {"Thresholds": "ab"}, {"Thresholds": [1]},
        {"Thresholds": [{"Rule": "healthy_q98", "VolumeMl": "much"}]}, {"BrainVolumeMl": ...},
    ],
)  # fmt: skip
def test_an_edited_json_file_is_a_reason_to_make_the_map_again(predict, scan, tmp_path, change):
    assert predict(scan)[0] == 0
    good, path = sidecar(tmp_path), (tmp_path / MAP.format("a07")).with_suffix("").with_suffix(".json")
    edited = {key: value for key, value in (good | change).items() if value is not ...}
    path.write_text(json.dumps(edited))
    code, _, err = predict(scan)
    assert code == 0 and "predicted again: the JSON file of the map was changed" in err
    assert sidecar(tmp_path) == good and (tmp_path / "out/predictions.tsv").read_text().count("\n") == 2


def test_a_map_whose_json_file_was_edited_has_no_row_and_is_named(predict, scan, toy_root, tmp_path):
    assert predict(scan)[0] == 0
    about, path = sidecar(tmp_path), (tmp_path / MAP.format("a07")).with_suffix("").with_suffix(".json")
    for content in ({key: value for key, value in about.items() if key != "Model"}, []):
        path.write_text(json.dumps(content))
        code, _, err = predict(toy_root / "a00_t2.nii.gz")
        assert (
            code == 0
            and "sub-a07_desc-blurpostprocessed_scoremap.nii.gz: its JSON file was changed or lost" in err
        )
        assert "a07" not in (tmp_path / "out/predictions.tsv").read_text()
