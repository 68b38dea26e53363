from pathlib import Path

import pytest

from uad_bench.data.published_splits import read_table
from uad_bench.errors import DataError, IntegrityError, UsageError

LONG = """dataset,source,fold,role,case_id
HEADS,shared,0,train,h01-A
heads,shared,0,val,h02-A
heads,shared,1,train,h02-A
heads,shared,1,val,h01-A
heads,shared,,test,h03-B
lesions,one,,test,p01
lesions,two,,val,p01
lesions,two,,test,p02
"""
NAME = "\ufeff,img_name,age,img_path\r\n"


@pytest.fixture
def write(tmp_path):
    def write(text: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.fixture
def papers(write):
    """A folder as the papers share it, in all its spellings."""
    train = '0,IXI002-Guys-0828_t2.nii.gz,35.8,/x/t1/a\r\n1,"IXI012-HH-1211-T2.nii",,\r\n'
    for fold in "01":
        write(NAME + train, f"papers/Heads_train_fold{fold}.csv")
        write(NAME + f"0,IXI01{fold}-HH-1212_t2,,\r\n\r\n", f"papers/Heads_val_fold{fold}.csv")
    write(NAME + "0, C:\\data\\t2\\IXI020-IOP-0001_t2.nii.gz ,,\r\n", "papers/Heads_test.csv")
    write("img_name\nBraTS2021_00000_t2.nii.gz\n", "papers/Brats21_test.csv")
    write("img_name\nBraTS2021_00001\n", "papers/Brats21_val.csv")
    return write("name\nx\n", "papers/avail_t2.csv").parent


def test_a_long_table_is_read_by_dataset_fold_and_source(write):
    table = read_table(write(LONG))
    assert table.datasets == ("heads", "lesions")
    assert (table.folds("Heads"), table.folds("lesions")) == ((0, 1), ())
    assert (table.sources("heads"), table.sources("lesions")) == (("shared",), ("one", "two"))
    assert table.rows("HEADS", 1) == [("h02-A", "train", 4), ("h01-A", "val", 5), ("h03-B", "test", 6)]
    assert table.rows("lesions", 1, "one") == [("p01", "test", 7)]


def test_val_of_a_dataset_without_training_cases_is_tune(write):
    table = read_table(write(LONG))
    assert table.rows("lesions", source="two") == [("p01", "tune", 8), ("p02", "test", 9)]
    assert ("h02-A", "val", 3) in table.rows("heads", 0)


def test_a_folder_of_the_papers_own_files(papers):
    table = read_table(papers)
    assert table.datasets == ("brats21", "heads") and table.folds("heads") == (0, 1)
    assert table.rows("heads", 0) == [
        ("IXI020-IOP-0001", "test", 2), ("IXI002-Guys-0828", "train", 2), ("IXI012-HH-1211", "train", 3),
        ("IXI010-HH-1212", "val", 2),
    ]  # fmt: skip
    assert table.rows("brats21") == [("BraTS2021_00000", "test", 2), ("BraTS2021_00001", "tune", 2)]


@pytest.mark.parametrize(
    "spelling",
    [
        LONG.replace("\n", "\r\n"),
        "\ufeff" + LONG,
        LONG.replace(",", " , ").replace("heads", '"heads"'),
        LONG.replace(",0,", ",0.0,").replace(",1,", ",1.0,").replace("train", "Train"),
        LONG.replace("h01-A", "D:\\scans\\t2\\h01-A_t2.nii.gz"),
        LONG.replace("\n", "\n\n").replace("role", "ROLE"),
    ],
    ids=["CRLF", "BOM", "spaces and quotes", "floats and capitals", "Windows paths", "blank lines"],
)
def test_f31_other_spellings_are_the_same_table(write, spelling):
    plain, other = read_table(write(LONG)), read_table(write(spelling, "spelling.csv"))
    assert other.sha256 == plain.sha256
    assert [row[:2] for row in other.rows("heads", 0)] == [row[:2] for row in plain.rows("heads", 0)]


def test_the_digest_forgets_the_order_and_nothing_else(write):
    head, *rows = LONG.splitlines()
    plain = read_table(write(LONG)).sha256
    assert read_table(write("\n".join([head, *rows[::-1]]), "b.csv")).sha256 == plain
    assert read_table(write("\n".join([head, *rows, rows[0]]), "c.csv")).sha256 != plain
    assert read_table(write(LONG.replace("h03-B", "h04-B"), "d.csv")).sha256 != plain


def test_only_file_names_lose_their_endings(write):
    """A plain id may end in _t1 for a visit; `t1` inside a folder's name means nothing."""
    text = "dataset,role,case_id\ntoy,train,p1_T1\ntoy,train,p1_T2\ntoy,test,/t1/flair_data/p2_flair.nii.gz\n"
    assert [row[0] for row in read_table(write(text)).rows("toy")] == ["p1_T1", "p1_T2", "p2"]


@pytest.mark.parametrize("ending", ["T1w.nii.gz", "t1.nii.gz", "t1"])
def test_the_space_in_a_bids_name_is_no_part_of_the_session(write, ending):
    """ATLAS: the case is `sub-r001s034_ses-1`; another name may have `_space-` for its own reasons."""
    names = f"sub-r001s034_ses-1_space-MNI152NLin2009aSym_{ending}\np1_space-x_{ending}\n"
    table = read_table(write("img_name\n" + names, "ATLAS_v2_test.csv"))
    assert [row[0] for row in table.rows("atlas_v2")] == ["sub-r001s034_ses-1", "p1_space-x"]


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("dataset,role,case_id\na,train,x\na,dev,y\n", 3, "'dev'"),
        ("dataset,case_id\na,x\n", 2, "no role"),
        ("dataset,role,case_id\n\na,train,\n", 3, "no case_id"),
        ("dataset,role,case_id,fold\na,train,x,first\n", 2, "'first'"),
        ("dataset,role,case_id\na,train,x,y,z\n", 2, "more cells"),
    ],
)
def test_f31_what_cannot_be_read_is_named_with_its_line(write, text, line, word):
    with pytest.raises(DataError, match=word) as caught:
        read_table(write(text))
    assert (caught.value.code, caught.value.exit_code) == ("UB335", 3)
    assert caught.value.where == f"table.csv, line {line}"


@pytest.mark.parametrize("text", ["", "dataset,role,case_id\n", LONG.encode("utf-16")])
def test_a_table_without_rows_or_in_another_encoding(write, text):
    with pytest.raises(DataError) as caught:
        read_table(write(text))
    assert caught.value.code == "UB335"


def test_a_missing_file_and_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="no row"):
        read_table(tmp_path)


@pytest.mark.parametrize("spelling", ["../../x", "a b", "x\\y", "=cmd()"])
def test_f32_an_id_that_is_no_plain_word(write, spelling):
    with pytest.raises(IntegrityError) as caught:
        read_table(write(f"dataset,role,case_id\na,train,{spelling}\n"))
    assert caught.value.code == "UB502" and "line 2" in caught.value.where


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (("heads",), "choose --fold, one of 0, 1"),
        (("heads", 7), "no fold 7"),
        (("lesions",), "one, two"),
        (("lesions", None, "tow"), "did you mean two"),
        (("head", 0), "did you mean heads"),
    ],
)
def test_an_ambiguous_query_is_an_error_with_the_choices(write, query, words):
    with pytest.raises(UsageError, match=words):
        read_table(write(LONG)).rows(*query)


def test_a_source_chosen_for_one_dataset_leaves_the_others_alone(write):
    assert len(read_table(write(LONG)).rows("heads", 0, "two")) == 3


def test_subjects_are_inferred_from_ids_without_merging_cases(write):
    ids = ["h01-A", "h02-A"], ["Site_1", "Site_2"], ["sub-01_ses-1", "sub-01_ses-2", "sub-2_x"]
    rows = [f"{'abc'[i]},test,{name}" for i, names in enumerate(ids) for name in names]
    table = read_table(write("dataset,role,case_id\n" + "\n".join(rows)))
    assert table.subjects("a") == {"h01-A": "h01", "h02-A": "h02"}
    assert table.subjects("b") == {"Site_1": "Site_1", "Site_2": "Site_2"}
    assert table.subjects("c") == {"sub-01_ses-1": "sub-01", "sub-01_ses-2": "sub-01", "sub-2_x": "sub-2"}


def test_the_published_table_has_the_rows_that_its_papers_have(shared_data):
    table = read_table(shared_data / "legacy_splits" / "legacy_splits.csv")
    assert table.datasets == ("brats21", "ixi", "mslub") and table.folds("ixi") == (0, 1, 2, 3, 4)
    assert [len(table.rows("ixi", fold)) for fold in range(5)] == [387 + 44 + 160] * 5
    roles = [role for _, role, _ in table.rows("brats21", source="pddpm")]
    assert (roles.count("tune"), roles.count("test")) == (100, 1151)
    assert {role for _, role, _ in table.rows("mslub", source="patch2loc")} == {"test"}
    with pytest.raises(UsageError, match="patch2loc, pddpm"):
        table.rows("mslub")


def test_f31_a_quote_that_is_not_closed_swallows_no_rows(write):
    text = 'dataset,role,case_id,source\na,train,x,s\na,test,y,"s\na,test,z,s\n'
    with pytest.raises(
        DataError, match=r"row that begins in line 3; is a quote not closed\? \(table\.csv\)"
    ) as caught:
        read_table(write(text))
    assert caught.value.code == "UB335"
