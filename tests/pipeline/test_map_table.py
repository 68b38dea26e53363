"""Which file belongs to which case: every mistake in a table or folder of maps is an error that names it."""

from types import SimpleNamespace

import pytest

from uad_bench.errors import DataError, UsageError
from uad_bench.pipeline.maps_only.map_files import find_maps

NAME = "{}_desc-x_scoremap.nii.gz"


def member(dataset, case_id):
    return SimpleNamespace(
        case=SimpleNamespace(dataset=dataset, subject_id=case_id, case_id=case_id), role="test"
    )


MEMBERS = [member("lemon", "p1"), member("lemon", "p2"), member("wmh", "p2")]


def found(folder, text, members=MEMBERS):
    for name in ("a.nii.gz", "b.nii.gz"):
        (folder / name).write_bytes(b"")
    table = folder / "maps.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    return find_maps(table, members, "phantom")


def test_cells_have_blanks_quotes_and_relative_paths(tmp_path):
    maps = found(tmp_path, 'case_id, file\n p1 , "a.nii.gz" \n\nwmh/p2,b.nii.gz\n')
    assert maps == {("lemon", "p1"): tmp_path / "a.nii.gz", ("wmh", "p2"): tmp_path / "b.nii.gz"}


@pytest.mark.parametrize(
    ("text", "error", "code", "said"),
    [
        ("case_id,file\np1,no.nii.gz\nwmh/p2,gone.nii.gz\n", DataError, "UB321", "no.nii.gz.*gone.nii.gz"),
        ("case_id,file\np1,.\n", DataError, "UB321", "no readable files"),
        ("case_id,file\np1,~nobody-here/x.nii.gz\n", DataError, "UB321", "nobody-here"),
        ("case_id,file\np1,a\0.nii.gz\n", DataError, "UB321", "no readable files"),
        ("case_id,file\np1,\n", UsageError, "UB253", "line 2"),
        ("case_id,file\np1,a.nii.gz\np1\n", UsageError, "UB253", "line 3"),
        ("case_id,file\np1,a.nii.gz,b\n", UsageError, "UB253", "line 2"),
        ("case_id,file\n,a.nii.gz\n", UsageError, "UB253", "line 2"),
        ("case_id,file,file\np1,a.nii.gz,b.nii.gz\n", UsageError, "UB253", "not a table of maps"),
        ("case_id,path\np1,a.nii.gz\n", UsageError, "UB253", "not a table of maps"),
        ("", UsageError, "UB253", "not a table of maps"),
        ("case_id,file\np\xe4,a.nii.gz\n".encode("latin-1"), UsageError, "UB253", "UTF-8"),
        ('case_id,file\np1,"a.nii.gz\nwmh/p2,b.nii.gz\n', UsageError, "UB253", "quote"),
        ("case_id,file\np2,a.nii.gz\n", UsageError, "UB253", "lemon/p2, wmh/p2.*DATASET/CASE"),
        ("case_id,file\nnobody,a.nii.gz\n", UsageError, "UB201", "unknown case"),
    ],
)
def test_a_mistake_in_a_table_is_an_error_that_names_it(tmp_path, text, error, code, said):
    with pytest.raises(error, match=said) as raised:
        found(tmp_path, text)
    assert raised.value.code == code


def test_a_file_of_a_folder_that_may_be_of_two_datasets_is_refused(tmp_path):
    (tmp_path / NAME.format("sub-p1")).write_bytes(b"")
    assert list(find_maps(tmp_path, MEMBERS, "phantom")) == [("lemon", "p1")]
    (tmp_path / NAME.format("sub-p2")).write_bytes(b"")
    with pytest.raises(UsageError, match="'sub-p2' may be any of lemon/p2, wmh/p2"):
        find_maps(tmp_path, MEMBERS, "phantom")


@pytest.mark.parametrize("make", ["link", "folder"])
def test_what_has_the_name_of_a_map_and_is_no_file_is_an_error(tmp_path, make):
    path = tmp_path / NAME.format("sub-p1")
    path.mkdir() if make == "folder" else path.symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match="no readable files") as raised:
        find_maps(tmp_path, MEMBERS, "phantom")
    assert raised.value.code == "UB321"
