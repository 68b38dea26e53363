"""`show`, help texts and completion: every parameter with type, choices, default, preset and what it is."""

import os
import re
import subprocess
import sys

import pytest
import typer

from tests.helpers.command import call
from tests.helpers.runs import DATA, HERE
from uad_bench import plugins
from uad_bench.cli import app
from uad_bench.cli.show import parameter_rows
from uad_bench.cohort.discovery import pinned_protocol

BUILT_IN = [
    entry
    for kind in ("method", "dataset")
    for entry in plugins.catalogue().names(kind)
    if entry.source == "uad-bench"
]


def rows(out):
    """The table of parameters of `show`: by name, the line."""
    lines = out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().startswith("parameters, for --set"))
    return {line.split()[0]: line for line in lines[start + 1 :] if line[2:3] != " " and line.strip()}


def test_parameters_are_a_table_with_preset_choices_and_description(monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, "show", "dae")
    table = rows(out)
    assert code == 0 and re.split(r"\s{2,}", table["name"].strip()) == [
        "name", "type", "default", "preset of phantom", "description"]  # fmt: skip
    assert re.search(r"^  width +int +64 +16 +channels of the first level$", table["width"])
    assert "'brain' | 'intensity'" in table["foreground"]
    assert re.search(r"^  lr +float +0.0001 +0.001 +learning rate$", table["lr"])
    assert (
        "preset"
        not in call(monkeypatch, capsys, "show", "paper/dae")[1].partition("class")[2].splitlines()[5]
    )


@pytest.mark.parametrize("entry", BUILT_IN, ids=lambda entry: entry.name)
def test_every_parameter_has_a_description(entry):
    found = parameter_rows(plugins.load(entry), entry.name, {})
    assert [name for name, *_, about in found if not about] == []


def test_variants_are_settings_a_line_each_and_the_published_one_has_its_name(monkeypatch, capsys):
    lines = call(monkeypatch, capsys, "show", "patch2loc")[1].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("  variants "))
    assert lines[start].startswith("  variants   :published network=resnet, ")
    assert lines[start + 1].startswith("             :conv network=conv, ") and "{" not in lines[start + 1]


@pytest.mark.parametrize(
    ("words", "begin"),
    [
        (("dataset", "mslub"), "dataset mslub: "),
        (("datasets", "folder"), "dataset folder: "),
        (("method", "thresh"), "method thresh: "),
        (("metric", "ap"), "metric ap: "),
        (("protocol", "uad-2mm"), "# protocol uad-2mm version "),
    ],
)
def test_the_kind_may_stand_in_front(monkeypatch, capsys, words, begin):
    code, out, _ = call(monkeypatch, capsys, "show", *words)
    assert code == 0 and out.startswith(begin)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("dataset", "mslubb"), "did you mean mslub"),
        (("thing", "mslub"), "unknown kind"),
        (("a", "b", "c"), "takes one name, got 3 words"),
    ],
)
def test_wrong_words_are_one_line(monkeypatch, capsys, words, text):
    code, _, err = call(monkeypatch, capsys, "show", *words)
    assert code == 2 and text in err and err.count("\n") == 1


def test_dataset_options_are_described_by_the_case_where_they_are_its_fields(monkeypatch, capsys):
    table = rows(call(monkeypatch, capsys, "show", "dataset", "folder")[1])
    assert "True for scans that hold the brain alone" in table["stripped"]
    assert "(`{acq: iso}`)" in table["entities"]


@pytest.mark.parametrize("words", [(), ("data",), ("draw",), ("cache",)])
def test_a_bare_command_prints_its_help(monkeypatch, capsys, words):
    code, out, err = call(monkeypatch, capsys, *words)
    assert code == 0 and "Usage:" in out and "Commands:" in out and not err


def options(command, name="uad-bench"):
    """Each verb with each of its options."""
    yield from ((name, one) for one in command.params if one.param_type_name == "option")
    for word, inner in getattr(command, "commands", {}).items():
        yield from options(inner, f"{name} {word}")


def arguments(command, name="uad-bench"):
    """Each verb with each of its arguments."""
    yield from ((name, one) for one in command.params if one.param_type_name == "argument")
    for word, inner in getattr(command, "commands", {}).items():
        yield from arguments(inner, f"{name} {word}")


def test_every_argument_has_a_help_text():
    found = list(arguments(typer.main.get_command(app)))
    assert found and [(verb, one.name) for verb, one in found if not one.help] == []


def test_every_help_text_says_its_default():
    found = list(options(typer.main.get_command(app)))
    silent = [
        (verb, one.opts)
        for verb, one in found
        if not (one.is_flag or one.multiple or one.required or one.hidden)
        and one.default in (None, "")
        and "default" not in (one.help or "").lower()
    ]
    assert len(found) > 100 and silent == []


def test_every_verb_that_takes_settings_takes_a_file_of_them():
    by_verb = {}
    for verb, one in options(typer.main.get_command(app)):
        by_verb.setdefault(verb, set()).update(one.opts)
    taking = {verb for verb, opts in by_verb.items() if "--set" in opts}
    assert len(taking) >= 7 and taking == {verb for verb, opts in by_verb.items() if "--config" in opts}


def test_a_file_of_settings_counts_and_set_is_applied_after_it(monkeypatch, capsys, tmp_path, toy_root):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    config = tmp_path / "mine.yaml"
    config.write_text(
        f'protocol: {{grid: {{spacing: [12, 12, 12]}}, train: "{DATA}"}}\ndatasets: {{folder: {{}}}}\n'
    )
    words = ["prepare", DATA, "--protocol", HERE / "toy.yaml", "--data", f"{DATA}={toy_root}"]
    words += ["--set", f"protocol.train={DATA}"]
    again = ["--config", config, "--set", "protocol.grid.spacing=[6,6,6]"]
    found = []
    for more in ([], ["--config", config], again):
        code, out, err = call(monkeypatch, capsys, *words, *more)
        assert code == 0, err
        found.append(re.search(r"for toy (\w+)", out)[1])
    assert found[0] == found[2] != found[1]
    config.write_text("protocl: {}\n")
    code, _, err = call(monkeypatch, capsys, *words, "--config", config)
    assert code == 2 and "did you mean protocol" in err


def completed(words, number):
    script = "import sys; sys.argv = ['uad-bench']\nfrom uad_bench.cli import main\nmain()"
    shell = {"_UAD_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(number)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False,
                          env={**os.environ, **shell})  # fmt: skip
    return done.stdout.split()


def test_verbs_and_names_are_completed():
    assert completed("uad-bench pre", 1) == ["prepare", "predict"]
    assert "patch2loc" in completed("uad-bench run patch", 2)
    assert completed("uad-bench show uad-2", 2) == ["uad-2mm"]
    assert "--install-completion" in {
        name for _, one in options(typer.main.get_command(app)) for name in one.opts
    }


def test_a_protocol_is_shown_with_the_fingerprint_of_its_runs(monkeypatch, capsys, tmp_path):
    """The SHA-256 of an atlas that is not shipped is a part of it; without the file this is said."""
    monkeypatch.setenv("UAD_BENCH_ATLASES", str(tmp_path))
    _, without, _ = call(monkeypatch, capsys, "show", "pddpm-2mm")
    assert "without the SHA-256 of its atlas, which `run` adds" in without.splitlines()[0]
    (tmp_path / "sri24.nii.gz").write_bytes(b"an atlas")
    _, out, _ = call(monkeypatch, capsys, "show", "pddpm-2mm")
    first = out.splitlines()[0]
    assert first.endswith(pinned_protocol("pddpm-2mm", {}).fingerprint) and first not in without
