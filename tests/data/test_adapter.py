from pathlib import Path

import pytest

from uad_bench.data.adapter import DatasetAdapter
from uad_bench.types import Case


def test_an_adapter_has_no_root_of_its_own_and_must_define_discover(tmp_path):
    assert DatasetAdapter().default_root() is None
    with pytest.raises(NotImplementedError):
        DatasetAdapter().discover(tmp_path)


def test_a_person_is_known_across_datasets_where_the_adapter_names_its_people():
    case = Case("a", "s1_1", "s1", {"t2": Path("t2.nii.gz")}, healthy=True)
    assert DatasetAdapter().person_of(case) == ""

    class Study(DatasetAdapter):
        people = "leipzig"

    assert Study().person_of(case) == "leipzig/s1"
