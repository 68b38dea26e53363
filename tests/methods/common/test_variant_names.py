"""Names of variants, presets and the prefix `paper/`."""

import pytest

from uad_bench import plugins
from uad_bench.config import load_protocol
from uad_bench.errors import UsageError
from uad_bench.pipeline.matrix import Matrix
from uad_bench.pipeline.method_names import changed_parameters, find_method

FILE = """
from dataclasses import dataclass
from uad_bench import Method


@dataclass
class Mine(Method):
    size: int = {size}

    def score(self, scan, ctx):
        return scan.image[0] * 0
"""
CATALOGUE = plugins.catalogue().entries
METHODS = [name for kind, name in CATALOGUE if kind == "method"]
NAMED = [
    f"{name}:{variant}"
    for name in METHODS
    for variant in plugins.load(plugins.resolve("method", name)).variants
    if variant and not variant.endswith("-other")  # the names of combinations without a variant
]
#: These need external weights: without them they are refused, not replaced.
NEED_WEIGHTS = {"ra:sampled", "phanes:shipped", "patchcore:resnet18", "rd4ad:resnet18", "uniad:resnet18"}


@pytest.mark.parametrize("protocol", ["phantom", "uad-2mm"])
@pytest.mark.parametrize("name", NAMED)
def test_a_requested_variant_is_the_one_that_runs(name, protocol):
    matrix = Matrix([name], protocol=protocol)
    if name in NEED_WEIGHTS:
        with pytest.raises(Exception, match="weights"):
            matrix.specs()
        return
    (spec,) = matrix.specs()
    assert spec.method == name


def test_a_bare_name_takes_the_preset_whole():
    (spec,) = Matrix(["patch2loc"], protocol="phantom").specs()
    presets = load_protocol("phantom").presets
    preset = {**presets["patch2loc"], **presets["patch2loc:conv*"]}
    assert {key: spec.parameters[key] for key in preset} == preset
    assert spec.method == "patch2loc:conv-25d-usual"
    (plain,) = Matrix(["patch2loc:conv"], protocol="phantom").specs()
    assert (plain.parameters["usual"], plain.parameters["steps"]) == (0, preset["steps"])


def test_the_published_method_has_a_name_and_a_preset_where_the_protocol_prefers_a_variant():
    (spec,) = Matrix(["patch2loc:published"], protocol="phantom").specs()
    (paper,) = Matrix(["paper/patch2loc:published"], protocol="phantom").specs()
    (bare,) = Matrix(["paper/patch2loc"], protocol="phantom").specs()
    own = load_protocol("phantom").presets["patch2loc:published"]
    assert (spec.method, paper.method) == ("patch2loc", "patch2loc")
    assert {key: value for key, value in spec.parameters.items() if value != paper.parameters[key]} == own
    assert paper.parameters == bare.parameters
    assert changed_parameters(spec) == {} and changed_parameters(paper) == {"defaults": "paper"}
    with pytest.raises(UsageError, match="published"):
        Matrix(["thresh:published"], protocol="phantom").specs()


def test_the_prefix_paper_drops_the_preset_and_nothing_else():
    (spec,) = Matrix(["paper/dae"], protocol="phantom", settings=[(["dae", "steps"], 7)]).specs()
    own = plugins.load(plugins.resolve("method", "dae"))()
    assert (spec.method, spec.parameters["steps"]) == ("dae", 7)
    assert (spec.parameters["width"], spec.parameters["lr"]) == (own.width, own.lr)
    (variant,) = Matrix(["paper/patch2loc:conv"], protocol="phantom").specs()
    assert (variant.method, variant.parameters["network"]) == ("patch2loc:conv", "conv")


def test_the_paper_s_settings_and_the_preset_are_two_methods_of_a_matrix():
    specs = Matrix(["dae", "paper/dae"], protocol="phantom").specs()
    assert len({spec.parameters["width"] for spec in specs}) == 2


def test_a_method_without_its_weights_is_refused_and_not_replaced_by_a_variant():
    with pytest.raises(UsageError, match="weights"):
        Matrix(["paper/ra"], protocol="phantom").specs()


def test_a_path_below_a_folder_paper_is_a_file(tmp_path, monkeypatch):
    """paper/mine.py is that file, not mine.py."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paper").mkdir()
    for path, size in (("paper/mine.py", 1), ("mine.py", 2)):
        (tmp_path / path).write_text(FILE.format(size=size))
    found = find_method("paper/mine.py")
    assert (found.cls().size, found.paper) == (1, False)


@pytest.mark.parametrize("name", ["paper/unknown", "paper/dae:nothing", "paper/"])
def test_the_prefix_paper_before_an_unknown_name_is_refused(name):
    with pytest.raises(UsageError):
        Matrix([name]).specs()


@pytest.mark.parametrize("protocol", ["uad-2mm", "uad-1mm"])
def test_a_variant_has_a_preset_of_its_own_by_either_way_to_it(protocol):
    """Parity 2: our network was trained with the schedule of the published one."""
    own = load_protocol(protocol).presets["patch2loc:conv*"]
    (named,) = Matrix(["patch2loc:conv"], protocol=protocol).specs()
    (usual,) = Matrix(["patch2loc:conv-usual"], protocol=protocol).specs()
    (by_setting,) = Matrix(
        ["patch2loc"], protocol=protocol, settings=[(["patch2loc", "network"], "conv")]
    ).specs()
    for spec in (named, usual, by_setting):
        assert {key: spec.parameters[key] for key in own} == own
    assert named.method == by_setting.method == "patch2loc:conv" and named.parameters == by_setting.parameters
    (other,) = Matrix(["patch2loc:conv"], protocol=protocol, settings=[(["patch2loc", "steps"], 7)]).specs()
    assert (other.parameters["steps"], other.parameters["lr"]) == (7, own["lr"])
    (paper,) = Matrix(["paper/patch2loc:conv"], protocol=protocol).specs()
    assert paper.parameters["schedule"] == "constant"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("patch2loc", "patch2loc:conv-25d-usual"),
        ("fae", "fae:self"),
        ("ra", "ra:ssim"),
        ("phanes", "phanes:noperc"),
        ("ddpm", ""),
        ("paper/patch2loc", ""),
        ("patch2loc:conv", ""),
    ],
)
def test_the_first_line_says_which_variant_a_preset_runs_and_how_to_get_the_published_method(
    name, told, caplog
):
    caplog.set_level("INFO")
    Matrix([name], protocol="phantom").specs()
    found = [record.getMessage() for record in caplog.records]
    assert bool(found) == bool(told)
    if told:
        assert told in found[0] and f"paper/{name}" in found[0] and f"{name}:published" in found[0]
