"""F28 to F32: subjects. Duplicate ids, one scan under two ids, leaks, tables from various programs, invalid ids.

Tested elsewhere: the table of a public dataset with repeated rows, tests/datasets/test_demographics.py; F29 within a
role, test_lesions.py; every published fold, tests/cli/test_audit.py; F31 in other encodings,
tests/datasets/test_tables.py and tests/data/test_published_splits.py; F32 for members of archives,
tests/data/archive/test_members.py.
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


def legacy(workspace, roles, name="roles.csv"):
    """The option for a published table."""
    path = workspace.data / name
    path.write_text("dataset,role,case_id\n" + "".join(f"folder,{role},{case}\n" for role, case in roles))
    return "--splits", f"legacy={path}"


def test_f28_one_subject_on_two_rows_is_refused_and_the_others_are_not(workspace):
    workspace.write_rows([*workspace.rows(), workspace.rows()[-1] | {"subject_id": "h04-again"}])
    answer = workspace.check()
    assert answer.code == 3
    assert answer.out.count("2 rows have this case_id (h04, cases.csv line ") == 2
    answer = workspace.prepare()
    assert (answer.code, len(answer.listed)) == (7, 2)
    assert workspace.entries() == {row["case_id"] for row in workspace.rows()} - {"h04"}
    stopped = workspace.run()
    assert stopped.code == 3
    assert (
        "error[UB329]: 2 cases cannot be paired; the first: 2 rows have this case_id (h04, " in stopped.error
    )
    assert not workspace.runs.exists()


def test_f29_the_same_voxels_in_two_roles_stop_a_run(workspace):
    shutil.copyfile(workspace.file("h01"), workspace.file("h03"))
    stopped = workspace.run(*legacy(workspace, ROLES))
    assert stopped.code == 3
    assert "error[UB340]: leak L3: the same voxels under two ids, in train and test" in stopped.error
    assert "(folder/h01, folder/h03)" in stopped.error
    assert not workspace.runs.exists()


def test_f30_a_subject_in_train_and_test_stops_a_run_before_any_work(workspace):
    option = legacy(workspace, [*ROLES, ("test", "h01"), ("test", "h00")])
    stopped = workspace.run(*option)
    assert stopped.code == 3
    assert "error[UB340]: leak L1: folder: train and test share 2 subjects (h00, h01)" in stopped.error
    assert not workspace.entries()
    assert not workspace.runs.exists()
    answer = workspace.call("audit", *option)
    assert answer.code == 3
    assert "error    L1   folder: train and test share 2 subjects: h00, h01" in answer.out


def test_f30_an_allowed_leak_marks_the_result(workspace):
    ran = workspace.run(*legacy(workspace, [*ROLES, ("test", "h01")]), "--allow-leak")
    assert ran.code == 0
    board = " ".join(workspace.call("leaderboard", workspace.runs).out.split())
    assert "leak L1" in board
    assert "train and test share 1 subject" in board


SAVED = {
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "bom": lambda text: text.encode("utf-8-sig"),
    "blanks": lambda text: text.replace(",", " , ").replace("\n", " \n\n").encode(),
    "windows": lambda text: re.sub(r"(h\d\d)", r"D:\\study t1\\t1\\\1_t1.nii.gz", text).encode(),
}


@pytest.mark.parametrize("saved", SAVED)
def test_f31_a_split_table_is_read_however_it_was_saved(workspace, saved):
    """Also with paths of another operating system, in folders named after a modality."""
    option = legacy(workspace, [("train", "h00"), ("test", "h00"), ("test", "h01")])
    path = workspace.data / "roles.csv"
    path.write_bytes(SAVED[saved](path.read_text()))
    answer = workspace.call("audit", *option)
    assert answer.code == 3
    assert "train and test share 1 subject: h00" in answer.out
    assert "folder: 2 test cases" in answer.out


@pytest.mark.parametrize(
    ("bad", "words"), [("folder,trian,h02", "'trian'"), ("folder,test,h02,x", "more cells")]
)
def test_f31_an_invalid_row_is_reported_with_its_line(workspace, bad, words):
    option = legacy(workspace, [("train", "h00"), ("test", "h01")])
    path = workspace.data / "roles.csv"
    path.write_text(path.read_text() + bad + "\n")
    answer = workspace.call("audit", *option)
    assert (answer.code, answer.out) == (3, "")
    assert "error[UB335]" in answer.error
    assert words in answer.error
    assert "(roles.csv, line 4)" in answer.error


def test_f31_a_table_of_cases_with_the_marks_of_another_system(workspace):
    (workspace.data / "t1 scans").mkdir()
    workspace.file("h01").rename(workspace.data / "t1 scans" / "h01_t2.nii.gz")
    workspace.change("h01", t2="t1 scans\\h01_t2.nii.gz")
    path = workspace.data / "cases.csv"
    path.write_bytes(path.read_text().replace("\n", "\r\n").encode("utf-8-sig"))
    answer = workspace.check()
    assert (answer.code, "7 of 7 subjects" in answer.out) == (0, True)


IDS = ["../h01", "/etc/passwd", "a\0b", "a\nb", "a\x1b[2Jb", "x" * 300, "-rf", "h01;rm"]


@pytest.mark.parametrize("word", IDS, ids=repr)
@pytest.mark.parametrize("column", ["case_id", "subject_id"])
def test_f32_an_id_that_could_leave_its_folder_is_not_trusted(workspace, word, column):
    workspace.change("h01", **{column: word})
    for verb in (workspace.check, workspace.prepare, workspace.run):
        answer = verb()
        assert answer.code == 5
        assert "error[UB50" in answer.error
        assert not {"\0", "\x1b"} & set(answer.out + answer.err)
    assert f"the id {word[:120]!r} cannot be used" in answer.error
    assert not workspace.entries()
    assert not workspace.runs.exists()


@pytest.mark.parametrize("word", IDS[:2], ids=repr)
def test_f32_nor_is_one_in_a_split_table(workspace, word):
    answer = workspace.call("audit", *legacy(workspace, [("train", "h00"), ("test", f'"{word}"')]))
    assert answer.code == 5
    assert "error[UB502]" in answer.error
    assert "(roles.csv, line 3)" in answer.error
