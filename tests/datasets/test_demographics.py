import pytest

from uad_bench.errors import DataError
from uad_datasets.demographics import Person, age_of, find_table, read_people, sex_of

COLUMNS = ("ID", "AGE", "SEX")


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("35.8", 35.8),
        ("35,8", 35.8),
        ("034Y", 34),
        ("018M", 1.5),
        ("048w", 48 * 7 / 365.25),
        ("010D", 10 / 365.25),
        ("0", None),
        ("", None),
        ("N/A", None),
        ("nan", None),
    ],
)
def test_ages_as_sheets_write_them(text, age):
    assert age_of(text) == age


@pytest.mark.parametrize("text", ["old", "89+", "35-40", "-3", "1984-01-02", "0x1F", "inf", "350"])
def test_what_is_no_age_is_refused(text):
    with pytest.raises(ValueError, match="is not an age"):
        age_of(text)


def test_sexes_by_word_or_by_the_sheets_own_code():
    assert [sex_of(text) for text in ("F", "female", "m", "Male", "", "?")] == [
        "f",
        "f",
        "m",
        "m",
        None,
        None,
    ]
    assert sex_of("2", {"1": "m", "2": "f"}) == "f"
    with pytest.raises(ValueError, match="sex '1' is not one of"):
        sex_of("1")


def read(tmp_path, *rows):
    path = tmp_path / "sheet.csv"
    path.write_text("\n".join(["ID,Height,SEX (m/f),Age", *rows]))
    return read_people(path, COLUMNS)


def test_f28_rows_that_agree_are_one_person_and_others_are_a_warning(tmp_path, caplog):
    people = read(tmp_path, "1,0,m,30", "1,170,m,30", "2,0,f,40", "2,0,f,41", "3,0,f,50", "3,0,,", "4,0,m,0")
    assert people == {1: Person(30, "m"), 2: Person(None, "f"), 3: Person(50, "f"), 4: Person(None, "m")}
    (record,) = caplog.records
    assert record.getMessage() == "sheet.csv: the age of these subjects is doubtful and not used: 2"


def test_a_cell_that_is_no_age_leaves_its_subject_without(tmp_path, caplog):
    assert read(tmp_path, "7,0,x,about 30", "8,0,f,31") == {7: Person(), 8: Person(31, "f")}
    assert [record.getMessage().split()[2] for record in caplog.records] == ["age", "sex"]


def test_numbers_are_found_in_ids_and_notes_are_no_rows(tmp_path):
    assert set(read(tmp_path, "IXI219,0,m,30", "patient07,0,f,31", "mean,,,30.5")) == {219, 7}


def test_a_sheet_without_a_column_names_it(tmp_path):
    (tmp_path / "s.csv").write_text("ID,SEX\n1,m\n")
    with pytest.raises(DataError, match=r"the table has no column AGE, .*s\.csv") as caught:
        read_people(tmp_path / "s.csv", COLUMNS)
    assert caught.value.code == "UB334"


def test_a_sheet_is_looked_for_in_the_root_and_one_level_above(tmp_path):
    root = tmp_path / "up" / "root"
    root.mkdir(parents=True)
    assert find_table(root, ("a.csv",)) is None
    (tmp_path / "a.csv").touch()
    assert find_table(root, ("a.csv",)) is None
    (tmp_path / "up" / "a.csv").touch()
    assert find_table(root, ("a.csv",)) == tmp_path / "up" / "a.csv"
    (root / "a.csv").touch()
    assert find_table(root, ("a.csv",)) == root / "a.csv"


def test_a_column_of_the_exact_name_precedes_one_that_begins_so(tmp_path):
    path = tmp_path / "sheet.csv"
    path.write_text("ID,Age_of_onset,Age,Sex\n1,20,31,f\n")
    assert read_people(path, COLUMNS) == {1: Person(31.0, "f")}
    path.write_text("ID,Age_of_onset,Age_at_scan,Sex\n1,20,31,f\n")
    with pytest.raises(DataError, match="no column AGE, and no single one that begins so"):
        read_people(path, COLUMNS)
