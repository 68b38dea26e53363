"""The default save and load, the parameters and the variant of a method."""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from uad_bench import Context, Method
from uad_bench.errors import PluginError
from uad_bench.method.base import hyper_parameters, learnt, variant
from uad_bench.testing import toy_scans


@dataclass
class Learns(Method):
    """Learns whatever a test gives to it."""

    size: int = 3
    mode: str = "plain"
    internal: list = field(default_factory=list, init=False)

    variants = {"fast": {"size": 1}, "fast-raw": {"size": 1, "mode": "raw"}, "raw": {"mode": "raw"}}


def through_files(method, folder):
    method.save(folder)
    loaded = Learns()
    loaded.load(folder, Context())
    return loaded


def test_arrays_numbers_words_and_tuples_survive_save_and_load(tmp_path):
    method = Learns()
    method.mean_ = np.arange(6, dtype=np.float32).reshape(2, 3)
    method.count_, method.scale_, method.kind_, method.flag_ = 4, 0.1, "t2", True
    method.shape_ = (3, 4, 5)
    loaded = through_files(method, tmp_path)
    assert loaded.mean_.dtype == np.float32
    np.testing.assert_array_equal(loaded.mean_, method.mean_)
    assert (loaded.count_, loaded.scale_, loaded.kind_, loaded.flag_) == (4, 0.1, "t2", True)
    assert loaded.shape_ == (3, 4, 5)


def test_only_names_that_end_in_an_underscore_are_saved(tmp_path):
    method = Learns()
    method.mean_, method.cache, method._private_ = 1.0, 2.0, 3.0
    assert learnt(method) == {"mean_": 1.0}
    assert not hasattr(through_files(method, tmp_path), "cache")
    assert json.loads((tmp_path / "state.json").read_text()) == {"mean_": 1.0}


@pytest.mark.parametrize("value", [{"a": 1}, object(), None, {1, 2}])
def test_other_types_are_refused_with_attribute_and_fix(tmp_path, value):
    method = Learns()
    method.model_ = value
    with pytest.raises(PluginError, match=r"Learns.model_ is a .*write save and load"):
        method.save(tmp_path)


def test_a_saved_array_cannot_run_code(tmp_path):
    method = Learns()
    method.mean_ = np.array([{"a": 1}], dtype=object)
    with pytest.raises(ValueError, match="allow_pickle"):
        method.save(tmp_path)


def test_parameters_are_the_fields_of_the_constructor_in_their_order():
    assert hyper_parameters(Learns(size=7)) == {"size": 7, "mode": "plain"}
    assert list(hyper_parameters(Learns())) == ["size", "mode"]


@pytest.mark.parametrize(
    ("parameters", "name"),
    [({}, ""), ({"size": 1}, "fast"), ({"mode": "raw"}, "raw"), ({"size": 1, "mode": "raw"}, "fast")],
)
def test_the_variant_is_the_first_whose_parameters_match(parameters, name):
    assert variant(Learns(**parameters)) == name


def test_defaults_learn_nothing_and_declare_no_external_data():
    method, (scan,) = Learns(), toy_scans(1)
    method.fit([scan], [], Context())
    assert learnt(method) == {}
    assert method.components(scan, Context()) == {}
    assert method.seen() == ()
    with pytest.raises(NotImplementedError):
        method.score(scan, Context())
