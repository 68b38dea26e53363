"""What `uad_bench` offers is what it lists."""

import uad_bench


def test_every_listed_name_is_there_and_sorted():
    assert uad_bench.__all__ == sorted(uad_bench.__all__)
    for name in uad_bench.__all__:
        found = getattr(uad_bench, name)
        assert getattr(found, "__name__", "hookimpl") == name


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(uad_bench, "NoSuchName")
