"""F28 to F32: who is who. Ids met twice, one scan under two names, leaks, tables as people save them, hostile ids.

Met elsewhere: the sheet of a public set with repeated rows, tests/datasets/test_demographics.py; F29 inside a
role, test_lesions.py; every published fold, tests/cli/test_audit.py; F31 in other encodings,
tests/datasets/test_tables.py and tests/data/test_published_splits.py; F32 for members of archives,
tests/data/archive/test_archive.py.
"""

import re
import shutil

import pytest

ROLES = [
    ("train", "h00"),
    ("train", "h01"),
    ("val", "h02"),
    ("test", "h03"),
    ("test", "a00"),
    ("test", "b00"),
]


def legacy(desk, roles, name="roles.csv"):
    """The option for a published table."""
    path = desk.data / name
    path.write_text("dataset,role,case_id\n" + "".join(f"folder,{role},{case}\n" for role, case in roles))
    return "--splits", f"legacy={path}"


def test_f28_one_subject_on_two_rows_is_refused_and_the_others_are_not(desk):
    desk.write_rows([*desk.rows(), desk.rows()[-1] | {"subject_id": "h04-again"}])
    told = desk.check()
    assert told.code == 3
    assert told.out.count("2 rows have this case_id (h04, cases.csv line ") == 2
    told = desk.prepare()
    assert (told.code, len(told.listed)) == (7, 2)
    assert desk.entries() == {row["case_id"] for row in desk.rows()} - {"h04"}
    stopped = desk.run()
    assert stopped.code == 3
    assert (
        "error[UB329]: 2 cases cannot be paired; the first: 2 rows have this case_id (h04, " in stopped.error
    )
    assert not desk.runs.exists()


def test_f29_the_same_voxels_in_two_roles_stop_a_run(desk):
    shutil.copyfile(desk.file("h01"), desk.file("h03"))
    stopped = desk.run(*legacy(desk, ROLES))
    assert stopped.code == 3
    assert "error[UB340]: leak L3: the same voxels under two ids, in train and test" in stopped.error
    assert "(folder/h01, folder/h03)" in stopped.error
    assert not desk.runs.exists()


def test_f30_a_subject_in_train_and_test_stops_a_run_before_any_work(desk):
    option = legacy(desk, [*ROLES, ("test", "h01"), ("test", "h00")])
    stopped = desk.run(*option)
    assert stopped.code == 3
    assert "error[UB340]: leak L1: folder: train and test share 2 subjects (h00, h01)" in stopped.error
    assert not desk.entries()
    assert not desk.runs.exists()
    told = desk.call("audit", *option)
    assert told.code == 3
    assert "error    L1   folder: train and test share 2 subjects: h00, h01" in told.out


def test_f30_an_allowed_leak_brands_the_result(desk):
    ran = desk.run(*legacy(desk, [*ROLES, ("test", "h01")]), "--allow-leak")
    assert ran.code == 0
    board = " ".join(desk.call("leaderboard", desk.runs).out.split())
    assert "leak L1" in board
    assert "train and test share 1 subject" in board


SAVED = {
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "bom": lambda text: text.encode("utf-8-sig"),
    "blanks": lambda text: text.replace(",", " , ").replace("\n", " \n\n").encode(),
    "windows": lambda text: re.sub(r"(h\d\d)", r"D:\\study t1\\t1\\\1_t1.nii.gz", text).encode(),
}


@pytest.mark.parametrize("saved", SAVED)
def test_f31_a_split_table_is_read_however_it_was_saved(desk, saved):
    """Also with paths of another system, in folders that are called like a modality."""
    option = legacy(desk, [("train", "h00"), ("test", "h00"), ("test", "h01")])
    path = desk.data / "roles.csv"
    path.write_bytes(SAVED[saved](path.read_text()))
    told = desk.call("audit", *option)
    assert told.code == 3
    assert "train and test share 1 subject: h00" in told.out
    assert "folder: 2 test cases" in told.out


@pytest.mark.parametrize(
    ("bad", "words"), [("folder,trian,h02", "'trian'"), ("folder,test,h02,x", "more cells")]
)
def test_f31_a_row_that_cannot_be_read_is_told_by_its_line(desk, bad, words):
    option = legacy(desk, [("train", "h00"), ("test", "h01")])
    path = desk.data / "roles.csv"
    path.write_text(path.read_text() + bad + "\n")
    told = desk.call("audit", *option)
    assert (told.code, told.out) == (3, "")
    assert "error[UB335]" in told.error
    assert words in told.error
    assert "(roles.csv, line 4)" in told.error


def test_f31_a_table_of_cases_with_the_marks_of_another_system(desk):
    (desk.data / "t1 scans").mkdir()
    desk.file("h01").rename(desk.data / "t1 scans" / "h01_t2.nii.gz")
    desk.change("h01", t2="t1 scans\\h01_t2.nii.gz")
    path = desk.data / "cases.csv"
    path.write_bytes(path.read_text().replace("\n", "\r\n").encode("utf-8-sig"))
    told = desk.check()
    assert (told.code, "7 of 7 subjects" in told.out) == (0, True)


IDS = ["../h01", "/etc/passwd", "a\0b", "a\nb", "a\x1b[2Jb", "x" * 300, "-rf", "h01;rm"]


@pytest.mark.parametrize("word", IDS, ids=repr)
@pytest.mark.parametrize("column", ["case_id", "subject_id"])
def test_f32_an_id_that_could_leave_its_folder_is_not_trusted(desk, word, column):
    desk.change("h01", **{column: word})
    for verb in (desk.check, desk.prepare, desk.run):
        told = verb()
        assert told.code == 5
        assert "error[UB50" in told.error
        assert not {"\0", "\x1b"} & set(told.out + told.err)
    assert f"the id {word[:120]!r} cannot be used" in told.error
    assert not desk.entries()
    assert not desk.runs.exists()


@pytest.mark.parametrize("word", IDS[:2], ids=repr)
def test_f32_nor_is_one_in_a_split_table(desk, word):
    told = desk.call("audit", *legacy(desk, [("train", "h00"), ("test", f'"{word}"')]))
    assert told.code == 5
    assert "error[UB502]" in told.error
    assert "(roles.csv, line 3)" in told.error
