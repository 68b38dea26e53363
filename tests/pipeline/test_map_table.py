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


def folder_of(folder, *names, post_processed=()):
    for name in names:
        (folder / f"{name}_scoremap.nii.gz").write_bytes(b"")
        (folder / f"{name}_scoremap.json").write_text(
            f'{{"PostProcessing": {str(["median"] if name in post_processed else []).replace(chr(39), chr(34))}}}'
        )
    return {
        key[1]: path.name.partition("_scoremap")[0]
        for key, path in find_maps(folder, MEMBERS[:2], "p").items()
    }


def test_maps_of_two_programs_in_a_folder_are_not_mixed(tmp_path):
    with pytest.raises(UsageError, match=r"several desc: x \(1 cases\), y \(1 cases\)") as raised:
        folder_of(tmp_path, "sub-p1_desc-x", "sub-p2_desc-y")
    assert raised.value.code == "UB253"
    with pytest.raises(UsageError, match="several maps of a case"):  # also where one has the protocol's grid
        folder_of(tmp_path, "sub-p2_desc-x", "sub-p1_space-p_desc-y")
    chosen = find_maps(tmp_path, MEMBERS[:2], "p", "x")
    assert {key[1]: path.name for key, path in chosen.items()} == {
        one: f"sub-{one}_desc-x_scoremap.nii.gz" for one in ("p1", "p2")
    }


def test_the_raw_map_beside_the_post_processed_one_is_taken(tmp_path):
    names = [
        f"sub-{one}_{rest}" for one in ("p1", "p2") for rest in ("desc-xpostprocessed", "space-p_desc-xraw")
    ]
    found = folder_of(tmp_path, *names, post_processed=names[::2])
    assert found == {one: f"sub-{one}_space-p_desc-xraw" for one in ("p1", "p2")}


def test_one_file_for_two_cases_is_refused(tmp_path):
    (tmp_path / "link.nii.gz").symlink_to(tmp_path / "a.nii.gz")
    for other in ("a.nii.gz", "./a.nii.gz", "link.nii.gz"):
        with pytest.raises(UsageError, match="cases lemon/p1 and wmh/p2 name the same map file") as raised:
            found(tmp_path, f"case_id,file\np1,a.nii.gz\nwmh/p2,{other}\n")
        assert raised.value.code == "UB253"


def test_copies_of_one_map_are_said(caplog):
    from uad_bench.pipeline.maps_only.evaluate_maps import _warn_of_equal

    _warn_of_equal({("a", "p1"): "00", ("a", "p2"): "11", ("b", "p3"): "00"})
    assert "2 cases have equal maps: p1, p3" in caplog.text and "p2" not in caplog.text


def test_maps_in_another_space_are_said(tmp_path, caplog):
    assert folder_of(tmp_path, "sub-p1_space-MNI_desc-x", "sub-p2_desc-x") == {"p2": "sub-p2_desc-x"}
    assert (
        "1 maps are in another space than the scans and protocol p, and are not used: sub-p1_space"
        in caplog.text
    )
