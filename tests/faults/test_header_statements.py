"""Header fields other than shape and type: unit of length, sform against qform, quaternion, extensions.

The cohorts stand for public reports; the docstrings of their scripts name them.
"""

import gzip
import json
import struct

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.damage import with_header
from tests.helpers.public_cases import make_case
from tests.helpers.workspace import PROTOCOL

ONE = ("h00", "a00")


@pytest.fixture
def cohort(workspace, tmp_path):
    """cohort(name, *variant) -> the workspace with this public case as its data, two of its cases kept."""

    def lay(name, *variant, keep=ONE):
        workspace.data = make_case(name, tmp_path / "-".join(["workspace/data", name, *variant]), *variant)
        if keep:
            workspace.write_rows(
                {
                    key: row[key]
                    for key in row
                    if key in ("case_id", "subject_id", "t2", "brain_mask", "lesion_mask", "healthy")
                }
                for row in workspace.rows()
                if row["case_id"] in keep
            )
        return workspace

    return lay


def record(workspace, case):
    return json.loads((workspace.entry(case) / "record.json").read_text())


def lesion_ml(answer):
    (line,) = [line for line in answer.out.splitlines() if line.startswith("lesions ")]
    return float(line.split()[1])


@pytest.mark.parametrize(("variant", "unit"), [("meter", "metres"), ("micron", "micrometres")])
def test_metres_and_micrometres_are_read_as_mm_and_that_is_recorded(cohort, variant, unit):
    workspace = cohort("units", variant)
    for words in ((), ("--quick",)):
        answer = workspace.check(*words)
        assert answer.code == 0
        assert f"a00_t2.nii.gz: lengths in {unit}, read as" in answer.out
    assert 1 < lesion_ml(workspace.check()) < 10
    assert workspace.prepare().code == 0
    assert unit in record(workspace, "a00")["sources"]["t2"]["notes"][0]
    brain = next(
        step["figures"]["ml"] for step in record(workspace, "a00")["steps"] if "ml" in step["figures"]
    )
    assert 1200 < brain < 1400


@pytest.mark.parametrize("unit", [0, 2, 2 + 8])
def test_no_unit_is_mm_and_the_unit_of_time_does_not_count(workspace, unit):
    workspace.keep("h00")
    with_header(workspace.file("h00"), xyzt_units=unit)
    assert "no error, no warning" in workspace.check().out


@pytest.mark.parametrize(("unit", "size"), [(1, "voxels of 6e+03 mm"), (3, "voxels of 0.006 mm")])
def test_a_unit_that_is_wrong_is_an_error_of_the_file(workspace, unit, size):
    """The affine is in mm, but the header says metres or micrometres."""
    workspace.keep("h00", "a00")
    for column in ("t2", "brain_mask"):
        with_header(workspace.file("h00", column), xyzt_units=unit)
    answer = workspace.check()
    assert answer.code == 3
    assert f"{size} (h00, data/h00_t2.nii.gz)" in answer.out
    answer = workspace.prepare()
    assert answer.code == 7
    assert size in answer.listed[0] and "another unit than mm" in answer.listed[0]
    assert "1 of 2 cases are prepared" in answer.out


@pytest.mark.parametrize("variant", ["leftright", "ds002543"])
def test_sform_and_qform_that_exchange_left_and_right_are_an_error_until_one_is_chosen(cohort, variant):
    workspace = cohort("qform_sform", variant)
    for answer in (workspace.check(), workspace.check("--quick")):
        assert answer.code == 3
        assert "sform and qform exchange left and right" in answer.out
        assert "`orientation`" in answer.out
    assert workspace.prepare().code == 7
    for name in ("sform", "qform"):
        chosen = ("--set", f"folder.orientation={name}")
        assert workspace.check(*chosen).code == 0
        assert workspace.check("--quick", *chosen).code == 0
        assert workspace.prepare(*chosen).code == 0
    assert len(list(workspace.cache.glob("prepared/*/*/record.json"))) == 4


def test_the_chosen_transform_decides_where_the_lesion_is(cohort):
    workspace, found = cohort("qform_sform", "leftright"), {}
    for name in ("sform", "qform"):
        workspace.prepare("--set", f"folder.orientation={name}")
        found[name] = workspace.prepared("a00")["lesion_mask"]
        workspace.forget()
    assert found["sform"].any()
    middle = [np.argwhere(mask.transpose(1, 2, 0)).mean(axis=0) for mask in found.values()]
    centre = (found["sform"].shape[1] - 1) / 2
    assert (middle[0][0] - centre) * (middle[1][0] - centre) < 0


def test_an_orientation_that_is_neither_is_a_usage_error(workspace):
    answer = workspace.check("--set", "folder.orientation=left")
    assert answer.code == 2
    assert "orientation: got 'left'" in answer.error and "sform or qform" in answer.error


@pytest.mark.parametrize(
    ("variant", "apart"),
    [("ds002207", "72 mm (24 voxels)"), ("ds003990", " mm ("), ("shifted", " mm (")],
)
def test_sform_and_qform_that_differ_are_a_warning_with_both_distances(cohort, variant, apart):
    workspace = cohort("qform_sform", variant)
    for answer in (workspace.check(), workspace.check("--quick")):
        assert answer.code == 0
        assert "a00_t2.nii.gz: sform and qform are up to " in answer.out
        assert apart in answer.out and "voxels) apart; the sform is read" in answer.out
    assert workspace.prepare().code == 0
    assert "apart" in record(workspace, "a00")["sources"]["t2"]["notes"][0]


@pytest.mark.parametrize("variant", ["shifted", "ds002207", "ds003990"])
def test_a_mask_on_the_other_transform_of_its_image_is_brought_along(cohort, variant):
    """Programs that read by ITK put their masks there."""
    plain = cohort("qform_sform", variant)
    assert plain.prepare().code == 0
    before = plain.prepared("a00")
    plain.forget()
    workspace = cohort("qform_sform", variant, "itk")
    answer = workspace.prepare()
    assert answer.code == 0
    for name, array in workspace.prepared("a00").items():
        np.testing.assert_array_equal(array, before[name])
    assert workspace.check().code == 0
    assert workspace.check("--quick").code == 0


def test_a_mask_whose_own_transforms_disagree_lies_on_its_image_by_one_of_them(workspace):
    workspace.keep("a00")
    workspace.prepare()
    before = workspace.prepared("a00")
    workspace.forget()
    path = workspace.file("a00", "lesion_mask")
    image = nib.load(path)
    aside = image.affine.copy()
    aside[:3, 3] += (0, 40, 0)
    image.set_qform(image.affine, 1)
    image.set_sform(aside, 2)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), None, image.header), path)
    answer = workspace.prepare()
    assert answer.code == 0 and "lies on its image by the other transform" in answer.err
    np.testing.assert_array_equal(workspace.prepared("a00")["lesion_mask"], before["lesion_mask"])


def test_a_mask_on_neither_transform_of_its_image_is_still_refused(cohort):
    workspace = cohort("qform_sform", "shifted")
    path = workspace.file("a00", "lesion_mask")
    image = nib.load(path)
    aside = image.affine.copy()
    aside[:3, 3] += (0, 50, 0)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), aside), path)
    answer = workspace.check()
    assert (answer.code, "the mask is on another grid" in answer.out) == (3, True)


@pytest.mark.parametrize("excess", ["9.1e-7", "5e-5", "1e-4"])
def test_a_quaternion_off_by_rounding_is_accepted(cohort, excess):
    """Its qform is half a turn about z away from the sform, so one of them must be chosen."""
    workspace = cohort("quaternion", excess)
    answer = workspace.check("--set", "folder.orientation=sform")
    assert answer.code == 0
    assert "cannot be used" not in answer.out
    assert workspace.prepare("--set", "folder.orientation=qform").code == 0


def test_a_quaternion_off_by_rounding_is_enough_alone(workspace):
    workspace.keep("h00")
    for column in ("t2", "brain_mask"):
        with_header(
            workspace.file("h00", column),
            sform_code=0,
            qform_code=1,
            quatern_d=np.sqrt(1 + 1e-4),
            quatern_b=0,
            quatern_c=0,
        )
    assert workspace.check().code == 0
    for column in ("t2", "brain_mask"):
        with_header(workspace.file("h00", column), quatern_d=1.5)
    answer = workspace.check()
    assert (answer.code, "no usable orientation" in answer.out) == (3, True)


def test_a_qform_that_cannot_be_used_is_a_warning_where_there_is_a_sform(workspace):
    workspace.keep("h00")
    with_header(workspace.file("h00"), qform_code=1, quatern_d=1.5)
    answer = workspace.check()
    assert (answer.code, "the qform cannot be used, the sform is read" in answer.out) == (0, True)


def test_a_sign_of_zero_in_the_qform_is_read_as_one(workspace):
    workspace.keep("h00")
    with_header(workspace.file("h00"), qform_code=1, pixdim=[0, 6, 6, 6, 0, 0, 0, 0])
    assert "no error, no warning" in workspace.check().out


def test_export_writes_the_map_of_a_case_with_a_rounded_quaternion(cohort, tmp_path):
    workspace = cohort("quaternion", keep=None)
    chosen = ("--set", "folder.orientation=sform")
    workspace.write_rows(
        {k: v for k, v in row.items() if k in ("case_id", "t2", "brain_mask", "lesion_mask", "healthy")}
        for row in workspace.rows()
    )
    assert workspace.run(*chosen).code == 0
    answer = workspace.call("export", workspace.runs, "--to", workspace.runs / "maps", *workspace._data())
    assert answer.code == 0
    written = list((workspace.runs / "maps").rglob("*scoremap.nii.gz"))
    assert written
    image = nib.load(written[0])
    assert image.get_sform(coded=True)[1] == image.get_qform(coded=True)[1] == 1


def extended(path, size):
    """The file with a header extension of `size` bytes before its voxels."""
    raw = gzip.decompress(path.read_bytes())
    header = nib.Nifti1Header(raw[:348], check=False)
    start = int(header["vox_offset"])
    header["vox_offset"] = 352 + size
    text = struct.pack("<2i", size, 6) + bytes(size - 8)
    path.write_bytes(gzip.compress(header.binaryblock + b"\1\0\0\0" + text + raw[start:], 1))


@pytest.mark.parametrize("size", [16, (1 << 20) + 16, 1 << 24])
def test_an_extension_of_any_size_is_skipped(workspace, size):
    workspace.keep("h00")
    workspace.prepare()
    before = workspace.prepared("h00")
    workspace.forget()
    extended(workspace.file("h00"), size)
    assert "no error, no warning" in workspace.check().out
    assert workspace.prepare().code == 0
    np.testing.assert_array_equal(workspace.prepared("h00")["image"], before["image"])


@pytest.mark.parametrize("offset", [1e9, 1e30, np.inf, -1, 5])
def test_voxels_that_begin_beyond_every_extension_are_refused(workspace, offset):
    with_header(workspace.file("h01"), vox_offset=offset)
    workspace.refuses("h01", "UB324", "h01_t2.nii.gz")


def test_labels_off_by_rounding_are_rounded_with_a_warning(workspace):
    workspace.keep("h00", "a00")
    workspace.prepare()
    before = workspace.prepared("a00")["lesion_mask"]
    workspace.forget()
    workspace.edit(workspace.file("a00", "lesion_mask"), lambda array: array * np.float32(1.00002))
    answer = workspace.check("--set", "folder.lesion_labels=[1]")
    assert answer.code == 0
    assert "labels are off an integer by up to 2.0e-05; rounded" in answer.out
    assert "count neither as lesion" not in answer.out
    answer = workspace.prepare("--set", "folder.lesion_labels=[1]")
    assert (answer.code, "rounded" in answer.err) == (0, True)
    np.testing.assert_array_equal(workspace.prepared("a00")["lesion_mask"], before)


GRID = ("--set", "protocol.grid.centre=[0,0,0]", "--protocol")


def test_a_brain_that_lies_off_the_grid_of_the_protocol_is_an_error_of_the_check(cohort):
    workspace = cohort("qform_sform", "ds002207")
    assert workspace.check(*GRID, PROTOCOL).code == 0
    far = ("--set", "protocol.grid.centre=[0,0,400]", "--protocol")
    answer = workspace.check(*far, PROTOCOL)
    assert answer.code == 3
    assert "no brain on the grid: its centre lies " in answer.out
    answer = workspace.prepare("--set", "protocol.grid.centre=[0,0,400]")
    assert answer.code == 7 and "the grid contains no brain" in answer.listed[0]
