import pytest

from uad_bench.data.adapter import DatasetAdapter


def test_an_adapter_has_no_root_of_its_own_and_must_define_discover(tmp_path):
    assert DatasetAdapter().default_root() is None
    with pytest.raises(NotImplementedError):
        DatasetAdapter().discover(tmp_path)
