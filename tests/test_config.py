"""Protocol, RunSpec and the settings laid over them."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from uad_bench import config
from uad_bench.errors import PluginError, UsageError


def test_the_shipped_protocols_are_valid_and_have_distinct_fingerprints():
    prints = [config.load_protocol(name).fingerprint for name in config.protocol_names()]
    assert "phantom" in config.protocol_names()
    assert len(set(prints)) == len(prints)


def test_the_fingerprint_follows_what_changes_a_number_and_nothing_else():
    base = config.load_protocol("phantom")
    other_grid = config.load_protocol("phantom", {"grid": {"spacing": [1, 1, 1]}})
    renamed = config.load_protocol("phantom", {"name": "mine", "test": ["mslub"], "metrics": ["ap"]})
    assert other_grid.fingerprint != base.fingerprint
    assert renamed.fingerprint == base.fingerprint


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"modalitys": ["t1"]}, ["modalitys", "did you mean modalities"]),
        ({"grid": {"spacng": [1, 1, 1]}}, ["grid", "spacng", "did you mean spacing"]),
        ({"grid": {"shape": "big"}}, ["grid.shape", "big"]),
        ({"splits": {"healthy": {"train": 0.5}}}, ["splits.healthy", "add up to 1"]),
    ],
)
def test_f70_a_wrong_key_or_value_is_named_with_what_would_be_right(overrides, words):
    with pytest.raises(UsageError) as caught:
        config.load_protocol("phantom", overrides)
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)


def test_an_unknown_protocol_offers_the_nearest():
    with pytest.raises(UsageError, match="did you mean phantom"):
        config.load_protocol("phantm")


@dataclass
class Plug:
    lr: float = 1e-3
    steps: int = 5


def test_a_plugins_parameters_are_checked_like_a_protocol():
    assert config.checked_parameters(Plug, {"lr": 1}, "plug") == {"lr": 1.0, "steps": 5}
    with pytest.raises(UsageError, match="steps"):
        config.checked_parameters(Plug, {"steps": "many"}, "plug")
    with pytest.raises(UsageError, match="did you mean steps"):
        config.checked_parameters(Plug, {"stepz": 1}, "plug")


@dataclass
class Template:
    template: np.ndarray = field(default_factory=lambda: np.zeros(3))


@dataclass
class Unknown:
    path: "Elsewhere" = None


@pytest.mark.parametrize(("plug", "said"), [(Template, "numpy.ndarray"), (Unknown, "'Elsewhere' is not defined")])
def test_a_field_whose_type_no_configuration_file_can_hold_is_a_fault_of_the_plugin(plug, said):
    with pytest.raises(PluginError, match=said) as found:
        config.checked_parameters(plug, {}, "plug")
    assert plug.__name__ in found.value.where and "\n" not in found.value.what


def test_settings_are_read_as_yaml_with_scientific_numbers():
    assert config.assignment("patch2loc.lr=1e-3") == (["patch2loc", "lr"], 0.001)
    assert config.assignment("protocol.test=[a, b]") == (["protocol", "test"], ["a", "b"])
    with pytest.raises(UsageError, match="KEY=VALUE"):
        config.assignment("steps")


def test_a_run_id_depends_on_parameters_and_cohort_but_not_on_bookkeeping():
    protocol = config.load_protocol("phantom")
    spec = config.RunSpec(
        method="m", target="a:B", parameters={"x": 1}, protocol=protocol, test=("phantom",), seed=3
    )
    assert spec.run_id("c").startswith("seed3-")
    assert spec.run_id("c") == spec.model_copy(update={"checkpoint_minutes": 9.0}).run_id("c")
    assert spec.run_id("c") != spec.run_id("d")
    assert spec.run_id("c") != spec.model_copy(update={"parameters": {"x": 2}}).run_id("c")
