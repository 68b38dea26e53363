"""`seen` of a method names datasets; what is no tuple of names would hide a leak."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.helpers.runs import spec_on
from uad_bench import Method
from uad_bench.config import load_protocol
from uad_bench.errors import DataError, PluginError
from uad_bench.pipeline.requirements import require_unseen

SPEC = spec_on(load_protocol("phantom")).model_copy(update={"test": ("mslub",)})


def method(answer: Any) -> type[Method]:
    @dataclass
    class Mine(Method):
        def seen(self):
            return answer

    return Mine


@pytest.mark.parametrize("answer", ["mslub", None, ("mslub", 3), {"mslub"}])
def test_what_is_no_tuple_of_names_is_refused(answer):
    with pytest.raises(PluginError, match="not a tuple of dataset names") as caught:
        require_unseen(method(answer), SPEC)
    assert caught.value.code == "UB402"


@pytest.mark.parametrize("answer", [("mslub",), ["mslub"]])
def test_a_test_set_among_the_names_is_a_leak(answer):
    with pytest.raises(DataError, match="L11"):
        require_unseen(method(answer), SPEC)
