"""Former names of fields and options still work, with a warning."""

import logging
from dataclasses import dataclass, replace

import pytest

from uad_bench import Case
from uad_bench.support.deprecation import present_names, renamed_fields


@renamed_fields(former="present")
@dataclass(frozen=True)
class Box:
    present: int = 0


def test_a_former_keyword_and_attribute_warn_at_the_line_that_uses_them():
    with pytest.warns(DeprecationWarning, match=r"Box\.former is now Box\.present") as caught:
        box = Box(former=3)
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning) as caught:
        assert box.former == 3
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning):
        assert replace(box, former=4) == Box(present=4)


@pytest.mark.filterwarnings("error")
def test_present_names_do_not_warn():
    assert replace(Box(present=1), present=2).present == 2


def test_options_are_translated_and_the_user_is_told(caplog):
    with pytest.warns(DeprecationWarning), caplog.at_level(logging.WARNING):
        assert present_names(Box, {"former": 5, "other": 6}) == {"present": 5, "other": 6}
    assert "the option former is now called present" in caplog.text
    assert present_names(int, {"former": 5}) == {"former": 5}


def test_the_former_names_of_a_case():
    with pytest.warns(DeprecationWarning):
        case = Case("toy", "a", "a", {}, healthy=True, mask_cut=0.5, masks_apart=True)
    assert case == Case("toy", "a", "a", {}, healthy=True, mask_threshold=0.5, allow_other_mask_grid=True)
    with pytest.warns(DeprecationWarning):
        assert (case.mask_cut, case.masks_apart) == (0.5, True)
