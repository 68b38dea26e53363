"""docs/own_protocols.md names every key, step and parameter of a protocol; its file runs, and its tables are right."""

import re
from pathlib import Path

import pytest

from tests.helpers.runs import DATA, execute
from uad_bench.cohort.discovery import pinned_protocol
from uad_bench.config import Grid, Protocol, Splits, load_protocol
from uad_bench.errors import UsageError
from uad_bench.evaluate import postprocess
from uad_bench.evaluate.thresholds import meaning
from uad_bench.pipeline.matrix import Matrix
from uad_bench.pipeline.protocol_checks import check_protocol
from uad_bench.pipeline.reevaluate import AFTER_THE_MAP, changed, reevaluate
from uad_bench.prepare.chain import STEPS, step_class
from uad_bench.support import strict_yaml

PAGE = Path(__file__).parents[1] / "docs" / "own_protocols.md"
TEXT = PAGE.read_text()
INNER = {"grid": Grid, "splits": Splits}
TYPES = {"text": "string", "integer": "integer", "list": "array", "mapping": "object"}
#: Another value of each key of the page's file.
OTHER = {
    "name": "other",
    "version": 2,
    "summary": "another text",
    "modalities": ["t1"],
    "train": "ixi",
    "test": ["mslub"],
    "grid": {"spacing": [5, 5, 5]},
    "prepare": [{"step": "canonical"}, {"step": "brain_mask"}, {"step": "resample"}, {"step": "scale"}],
    "postprocess": [],
    "thresholds": ["tune"],
    "metrics": ["ap"],
    "primary": "auroc.case",
    "splits": {"tune": {"phantom": 0.5}},
    "presets": {"thresh": {"invert": True}},
}


def section(heading):
    """The text below a heading of the page."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found[1]


def rows(heading):
    """The cells of each row of the table in a section."""
    head, line, *body = re.findall(r"^\|.*\|$", section(heading), re.MULTILINE)
    assert set(line) <= set("|-"), head
    return [[cell.strip() for cell in row[1:-1].split("|")] for row in body]


def words(cell):
    return re.findall(r"`([^`]+)`", cell)


def parameters(heading):
    """By step, the text of each parameter by its name; a row without a step continues the row above."""
    steps = {}
    for step, cell, _ in rows(heading):
        for name in words(step):
            steps[name] = own = {}
        own |= {word.partition(":")[0]: word.partition(":")[2].strip() for word in words(cell)}
    return steps


def fields(cls):
    """The parameters of a step by name."""
    return {name: field for name, field in cls.model_fields.items() if name != "step"}


def plain(value):
    """A default as YAML reads it."""
    return [plain(one) for one in value] if isinstance(value, tuple | list) else value


def shown_default(field, text):
    """Whether a text is the default of a field; required fields have none."""
    return text == "" if field.is_required() else strict_yaml.parse(text, "") == plain(field.default)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    (text,) = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    path = tmp_path_factory.mktemp("page") / "small-4mm.yaml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def spec_of(file):
    """spec_of(key=value, ...) -> the specification of `thresh` under the page's file with these changes."""

    def made(**changes):
        settings = [(("protocol", key), value) for key, value in changes.items()]
        (spec,) = Matrix(["thresh"], protocol=str(file), settings=settings).specs()
        return spec

    return made


def folder(spec):
    return spec.protocol.name, spec.method, spec.run_id("same cohort")


def test_the_page_is_short():
    lines = TEXT.splitlines()
    assert len(lines) < 200
    assert [line for line in lines if len(line) > 160] == []


def test_the_table_has_every_key_with_its_type_and_default():
    shown = {words(key)[0]: (kind, default) for key, kind, default, _ in rows("Keys")}
    models = {"": Protocol} | {f"{key}.": cls for key, cls in INNER.items()}
    found = {start + name: (cls, name) for start, cls in models.items() for name in cls.model_fields}
    assert set(shown) == set(found)
    for key, (cls, name) in found.items():
        kind, default = shown[key]
        field, schema = cls.model_fields[name], cls.model_json_schema()["properties"][name]
        if key == "splits":
            assert not any(one.is_required() for one in Splits.model_fields.values())
        else:
            assert shown_default(field, "" if default == "required" else words(default)[0]), key
        inner = {"object"} if "$ref" in schema else {one["type"] for one in schema.get("anyOf", [schema])}
        assert {TYPES[word] for word in kind.split(" or ")} == inner, key


@pytest.mark.parametrize(
    ("heading", "classes"),
    [
        ("Preparation steps", {name: step_class(name) for name in STEPS}),
        ("Post-processing steps", postprocess.STEPS),
    ],
)
def test_the_tables_have_every_step_with_its_parameters_and_defaults(heading, classes):
    shown = parameters(heading)
    assert list(shown) == list(classes)
    for step, cls in classes.items():
        assert set(shown[step]) == set(fields(cls)), step
        wrong = [name for name, field in fields(cls).items() if not shown_default(field, shown[step][name])]
        assert wrong == [], step


def test_the_grid_gives_three_parameters_of_resample(file):
    (resample,) = [one for one in load_protocol(str(file)).steps if one["step"] == "resample"]
    assert set(resample) - {"step"} == set(Grid.model_fields) == {"spacing", "shape", "centre"}


def test_the_file_is_a_protocol_that_can_be_carried_out(file):
    protocol = load_protocol(str(file))
    check_protocol(protocol)
    assert set(strict_yaml.read(file)) == set(Protocol.model_fields)
    (spec,) = Matrix(["ae"], protocol=str(file)).specs()
    assert protocol.presets["ae"].items() <= spec.parameters.items()


def test_the_threshold_rules_of_the_page_exist():
    (line,) = [
        one for one in section("Metrics, thresholds, primary metric").split("- **") if "rules](" in one
    ]
    rules = [word.replace("NN", "05") for word in words(line.partition("): ")[2].partition(".")[0])]
    assert len(rules) == 6 and all(map(meaning, rules))


def test_the_fingerprint_covers_the_keys_of_the_table(spec_of):
    table = {
        key: cells for keys, *cells in rows("What a change does to finished runs") for key in words(keys)
    }
    assert set(table) == set(OTHER) == set(Protocol.model_fields)
    before = spec_of()
    covered = set(before.protocol.pinned)
    assert covered == {key for key, (answer, *_) in table.items() if answer == "yes"}
    text = section("The fingerprint").partition("- **")[0]
    inside, outside = text.split("It does not\ncover")
    assert (set(words(inside)), set(words(outside))) == (covered, set(table) - covered)
    for key, value in OTHER.items():
        after = spec_of(**{key: value}).protocol
        assert getattr(after, key) != getattr(before.protocol, key), key
        assert (after.fingerprint != before.protocol.fingerprint) == (key in covered), key


def test_a_change_makes_another_run_or_stays_in_the_same_as_the_table_says(spec_of):
    before = spec_of()
    for keys, _, again, evaluated in rows("What a change does to finished runs"):
        for key in words(keys):
            value = OTHER[key]
            assert again.startswith(("another run", "the same run"))
            assert (folder(spec_of(**{key: value})) != folder(before)) == again.startswith("another"), key
            assert (evaluated == "refused") == (key not in AFTER_THE_MAP), key
            if evaluated == "refused":
                with pytest.raises(UsageError, match="needs a new run"):
                    changed(before, [(("protocol", key), value)])
            else:
                other = changed(before, [(("protocol", key), value)])
                assert (folder(other) != folder(before)) == evaluated.startswith("another run"), key


def test_steps_count_as_they_are_written_and_the_order_of_keys_does_not(file, tmp_path):
    text = file.read_text()

    def fingerprint(old, new):
        assert text.count(old) == 1
        (tmp_path / "other.yaml").write_text(text.replace(old, new))
        return load_protocol(str(tmp_path / "other.yaml")).fingerprint

    before = load_protocol(str(file)).fingerprint
    assert fingerprint("percentiles: [1, 99]", "percentiles: [1.0, 99.0]") != before
    assert fingerprint("{step: scale, percentiles: [1, 99]}", "{step: scale}") != before
    assert (
        fingerprint("{step: median, size: 3, axes: 2}", "{axes: 2, size: 3, step: median} # a filter")
        == before
    )
    assert fingerprint("[4, 4, 4]", "[4.0, 4.0, 4.0]") == before  # only the keys of steps are not converted


def test_an_atlas_that_is_not_shipped_counts_by_its_content(file, tmp_path):
    def steps(path, **more):
        return {"prepare": [{"step": "canonical"}, {"step": "register", "atlas": str(path), **more}]}

    one, copy = tmp_path / "one.nii.gz", tmp_path / "copy.nii.gz"
    for path in (one, copy):
        path.write_bytes(b"its digest is part of the protocol")
    run, moved = (pinned_protocol(str(file), steps(path)) for path in (one, copy))
    assert run.fingerprint == moved.fingerprint != load_protocol(str(file), steps(one)).fingerprint
    known = steps("elsewhere.nii.gz", sha256=run.prepare[1]["sha256"])
    assert load_protocol(str(file), known).fingerprint == run.fingerprint


def test_lists_are_replaced_and_mappings_are_merged(file):
    over = {"metrics": ["ap"], "splits": {"healthy": {"train": 0.5, "val": 0.3}}}
    protocol = load_protocol(str(file), over)
    assert protocol.metrics == ("ap",)
    assert protocol.splits.healthy == {"train": 0.5, "val": 0.3, "test": 0.2}


def test_a_shown_protocol_is_a_file_with_the_same_fingerprint(tmp_path):
    before = load_protocol("uad-2mm")
    (tmp_path / "mine.yaml").write_text(f"# comment\n{strict_yaml.dump(before.model_dump(mode='json'))}")
    assert load_protocol(str(tmp_path / "mine.yaml")) == before


def test_other_metrics_replace_the_results_of_a_finished_run(file, place):
    def run(*more):
        toy = [("train", DATA), ("test", [DATA]), ("splits", {"salt": "toy64", "tune": {DATA: 0.4}}), *more]
        settings = [(("protocol", key), value) for key, value in toy]
        return execute(Matrix(["thresh"], protocol=str(file), settings=settings).specs(), place())[0]

    tables = ("cases.csv", "metrics.csv", "thresholds.csv")
    first = run()
    before = [first.table(name) for name in tables]
    assert {row["metric"] for row in before[0]} > {"ap", "auroc", "dice@tune"}
    again = run(("metrics", ["ap"]), ("thresholds", ["tune"]))
    assert again.path == first.path
    assert {row["metric"] for row in again.table("cases.csv")} == {"ap"}
    assert {row["rule"] for row in again.table("thresholds.csv")} == {"tune"}
    assert again.spec().protocol.metrics == ("ap",)
    assert [run().table(name) for name in tables] == before
    other = reevaluate(first, [(("protocol", "postprocess"), [])], place().sources)
    assert other.path != first.path and other.path.parent == first.path.parent
