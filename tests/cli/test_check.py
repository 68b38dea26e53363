"""`uad-bench check`: it finds the kind of a plug-in, lists the outcomes, and fails where a promise is broken."""

import pytest
from typer.testing import CliRunner

from uad_bench.cli import app
from uad_bench.errors import PluginError, UsageError

MIXED = """
from dataclasses import dataclass
from uad_bench import Method, Metric, Value

@dataclass
class Brightness(Method):
    def score(self, scan, ctx):
        return scan.image.mean(axis=0)

class {name}(Metric):
    name, summary = "half", "always one half"

    def case(self, view):
        return Value(0.5) if {condition} else Value(None, "empty_brain")
"""


def check(*words):
    """The lines of the output; raises what the command raises."""
    result = CliRunner().invoke(app, ["check", *words], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output.splitlines()


@pytest.fixture
def mixed(tmp_path):
    """A file with a method and a metric; the metric breaks a promise unless it is told not to."""

    def written(condition="True"):
        path = tmp_path / "mixed.py"
        path.write_text(MIXED.format(name="Half", condition=condition))
        return str(path)

    return written


@pytest.mark.parametrize(
    ("words", "last"),
    [
        (["ap"], "metric 'ap': "),
        (["thresh:raw"], "method 'thresh:raw': 13 promises kept, 4 not checked"),
        (["ixi"], "dataset 'ixi': "),
        (["random", "--kind", "method"], "method 'random': "),
    ],
)
def test_the_kind_of_a_registered_name_is_found(words, last, monkeypatch, tmp_path):
    monkeypatch.setenv("UAD_BENCH_DATA", str(tmp_path))
    assert check(*words)[-1].startswith(last)


def test_every_outcome_has_a_line_with_status_and_promise():
    lines = check("ap")[:-1]
    assert len(lines) == 14
    assert "kept         values" in lines
    assert all(line.split()[0] in {"kept", "not"} for line in lines)


def test_a_dataset_without_data_names_the_option(monkeypatch, tmp_path):
    assert check("ixi")[-1].endswith("not checked: add --data FOLDER")


def test_the_class_of_a_file_decides(mixed):
    metric = mixed("view.curve.n_brain")
    assert check(metric)[-1].startswith("metric ")
    assert check(metric, "--kind", "method")[-1].startswith("method ")


def test_a_broken_promise_is_an_error_that_names_it(mixed):
    with pytest.raises(PluginError, match=r"breaks 1 of 14 promises \(empty_brain\)") as caught:
        check(mixed())
    assert caught.value.code == "UB410"


def test_an_unknown_kind_is_refused():
    with pytest.raises(UsageError, match="unknown kind 'metrik': did you mean metric"):
        check("ap", "--kind", "metrik")


NEEDS_WEIGHTS = """
from dataclasses import dataclass
from uad_bench import Method
from uad_bench.errors import UsageError

@dataclass
class Needs(Method):
    weights: str = ""

    def __post_init__(self):
        if not self.weights:
            raise UsageError("no weights were given", hint="--set needs.weights=FILE")

    def score(self, scan, ctx):
        return scan.image[0]
"""


@pytest.mark.parametrize("name", ["fae", ""])
def test_a_method_without_its_weights_is_not_called_broken(name, tmp_path):
    (tmp_path / "needs.py").write_text(NEEDS_WEIGHTS)
    with pytest.raises(UsageError, match="weights") as caught:
        check(name or str(tmp_path / "needs.py"))
    assert (
        caught.value.code == "UB206" and "promises" not in str(caught.value) and "--set" in str(caught.value)
    )
