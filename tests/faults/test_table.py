"""The list of faults in the docstring of this package is complete and correct."""

import re
from pathlib import Path

from tests import faults

HERE = Path(__file__).parent
LINES = re.findall(r"^(F\d\d) .+ (\S+\.py)::(\w+)$", faults.__doc__, re.MULTILINE)


def test_every_fault_is_on_the_list_once():
    assert [number for number, _, _ in LINES] == [f"F{number:02d}" for number in range(1, 96)]


def test_every_test_on_the_list_is_there():
    for number, file, name in LINES:
        path = HERE.parent / file.removeprefix("../") if "/" in file else HERE / file
        assert f"def {name}(" in path.read_text(), number


def test_the_name_of_a_test_has_the_number_of_its_fault():
    assert [number for number, _, name in LINES if number.lower() not in name.split("_")] == []
