"""`list`, `show` and `schema`: names, facts of a metric, parameters of a method, JSON schemas."""

import json
import re
import sys

import pytest

from uad_bench import cli, plugins


@pytest.fixture
def printed(monkeypatch, capsys):
    """What a command prints; it has to succeed."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["uad-bench", *words])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert stop.value.code == 0
        return capsys.readouterr().out

    return run


def facts(text):
    """The labelled lines of `show`, by label."""
    lines = (line.split(maxsplit=1) for line in text.splitlines()[1:] if len(line.split()) > 1)
    return {words[0]: words[1] for words in lines}


def test_list_names_every_kind(printed):
    out = printed("list")
    for name in ("patch2loc", "phantom", "mslub", "ap", "protocols:"):
        assert name in out.split()
    assert "broken" not in out


def test_a_list_of_one_kind_is_aligned_with_its_summaries(printed):
    lines = printed("list", "metrics").splitlines()
    assert lines[0] == "metrics:"
    assert len(lines) == 1 + len(plugins.catalogue().names("metric"))
    start = next(line for line in lines if "lesion_precision_iou10" in line).index("share of")
    assert all(line[start - 2 : start].isspace() and line[start] != " " for line in lines[1:])


def test_the_summaries_of_protocols_are_those_of_their_whole_files(printed):
    from uad_bench.config import protocol_names
    from uad_bench.support import strict_yaml

    lines = printed("list", "protocols").splitlines()[1:]
    whole = {name: strict_yaml.read(path)["summary"] for name, path in protocol_names().items()}
    assert dict(line.split(maxsplit=1) for line in lines) == whole and all(whole.values())


def test_show_gives_formula_range_unit_values_reasons_and_source_of_a_metric(printed):
    found = facts(printed("show", "hd95"))
    assert found["class"] == "uad_bench.evaluate.metrics.surface:Hd95 [uad-bench]"
    assert found["formula"].startswith("max of the 95th percentiles")
    assert (found["range"], found["unit"]) == ("[0, ∞), lower is better", "mm")
    assert (found["values"], found["cases"]) == ("hd95@RULE", "lesion cases")
    assert found["undefined"] == "empty_brain, no_threshold, no_positive"
    assert "MONAI" in found["source"]


@pytest.mark.parametrize(
    ("name", "label", "text"),
    [
        ("ap", "values", "ap.case, ap.pooled"),
        ("dice", "values", "dice@RULE, dice.pooled@RULE"),
        ("case_ap_max", "values", "case_ap_max.pooled"),
        ("case_ap_max", "cases", "lesion cases and healthy scans"),
        ("fpr", "cases", "healthy scans"),
        ("prevalence", "range", "[0, 1], a reference value"),
        ("sens_fpr05", "oracle", "uses labels of the test cases; never ranks methods"),
    ],
)
def test_facts_of_metrics(printed, name, label, text):
    assert facts(printed("show", name))[label] == text


def test_a_member_of_a_family_has_the_text_of_its_family_without_the_example(printed):
    out = printed("show", "pauroc05")
    assert "McClish 1989" in out and "f = 0.05" in out
    assert "Area under the ROC curve for false-positive rates up to `limit`" in out
    assert ">>>" not in out


def test_a_metric_of_another_package_shows_what_it_states(printed, monkeypatch, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from uad_bench import Metric, Value\n\n\nclass Mine(Metric):\n"
        "    name, unit, formula, higher_is_better = 'ap', 'mm', 'a + b', False\n\n"
        "    def pooled(self, view):\n        return Value(0.0)\n"
    )
    found = plugins.Catalogue()
    found.add("metric", "mine", f"{path}:Mine", "a number of mine", "some-package")
    monkeypatch.setattr(plugins, "catalogue", lambda: found)
    out = printed("show", "mine")
    assert out.startswith("metric mine: a number of mine\n") and "[some-package]" in out
    shown = facts(out)
    assert (shown["formula"], shown["unit"], shown["range"]) == ("a + b", "mm", "lower is better")
    assert shown["values"] == "ap.pooled"
    assert not {"undefined", "source"} & set(shown)
    assert "Derive from it" not in out  # the docstring of the base class is not that of the metric


def test_show_gives_the_parameters_of_a_method_under_the_protocol(printed):
    out = printed("show", "patch2loc")
    assert re.search(r"  network +'resnet' \| 'conv' +'resnet' +'conv'", out) and "2506.22504" in out
    out = printed("show", "paper/patch2loc")
    assert re.search(r"  network +'resnet' \| 'conv' +'resnet' ", out) and "preset of" not in out


def test_show_gives_a_dataset_and_a_protocol(printed):
    assert printed("show", "mslub").startswith("dataset mslub: ")
    assert printed("show", "uad-2mm").startswith("# protocol uad-2mm version ")


@pytest.mark.parametrize(
    ("what", "keys"),
    [("protocol", {"modalities", "grid", "prepare"}), ("patch2loc", {"network"}), ("run", {"protocol"})],
)
def test_schema_is_json_and_names_the_keys(printed, what, keys):
    assert keys <= set(json.loads(printed("schema", what))["properties"])
