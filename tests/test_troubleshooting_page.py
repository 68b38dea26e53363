"""docs/troubleshooting.md lists every error code with its exit code, and every environment variable that is read."""

import ast
import re
from pathlib import Path

import pytest

from uad_bench import errors

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
ROW = re.compile(r"^\| (UB\d{3}) \| (\d) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE)
EXIT = {code: int(number) for code, number, _, _ in ROWS}
CONSTANT = re.compile(r'^([A-Z_]+(?:, [A-Z_]+)*) = ("UB\d{3}"(?:, "UB\d{3}")*)$', re.MULTILINE)
VARIABLE = re.compile(r"(?<!\w)UAD_(?:BENCH|SLURM)_[A-Z_]*[A-Z]")
READ = re.compile(r'environ(?:\.get\(|\.setdefault\(|\[)\s*"([A-Z_]+)"')
CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.UadError)
}


def texts(*folders):
    """The text of every source file below some folders, by its path."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*"))]
    kept = (path for path in paths if path.is_file() and path.suffix in {"", ".py", ".jinja"})
    return {path: path.read_text() for path in kept}


SOURCES = texts("uad_bench", "methods", "datasets")


def constants():
    """The code that each constant stands for, such as UNKNOWN = "UB260"."""
    for text in SOURCES.values():
        for names, values in CONSTANT.findall(text):
            yield from zip(names.split(", "), re.findall(r"UB\d{3}", values), strict=True)


def raised(text, named):
    """The code and the exit code of every error that a file makes, where it says both at one place.

    named: codes by the name of a constant.
    """
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES:
            for word in node.keywords:
                code = getattr(word.value, "value", None) or named.get(getattr(word.value, "id", ""))
                if word.arg == "code" and code in EXIT:
                    yield code, CLASSES[node.func.id].exit_code


def test_the_index_has_every_code_of_the_source_once_and_no_other():
    known = {code for text in SOURCES.values() for code in re.findall(r"UB\d{3}", text)}
    assert sorted(code for code, *_ in ROWS) == sorted(known)


def test_no_row_of_the_index_has_another_form():
    assert len(re.findall(r"^\| UB", PAGE, re.MULTILINE)) == len(ROWS)


def test_codes_that_the_text_names_are_in_the_index():
    assert set(re.findall(r"UB\d{3}", PAGE)) == set(EXIT)


def test_exit_codes_are_those_of_the_errors_that_are_raised():
    named, python = dict(constants()), [text for path, text in SOURCES.items() if path.suffix == ".py"]
    found = {pair for text in python for pair in raised(text, named)}
    found |= {(kind.code, kind.exit_code) for kind in CLASSES.values()}
    assert {pair for pair in found if EXIT[pair[0]] != pair[1]} == set()
    assert set(EXIT) - {code for code, _ in found} == set(), "no place shows the exit code of these"


def test_an_exit_code_that_differs_is_found():
    text = 'raise PluginError("no", code="UB301")\nraise DataError("no", code=GONE)\n'
    assert list(raised(text, {"GONE": "UB345"})) == [("UB301", 4), ("UB345", 3)]


@pytest.mark.parametrize("number", range(1, 8))
def test_codes_are_grouped_by_exit_code(number):
    part = re.split(r"^### Exit code ", PAGE, flags=re.MULTILINE)[number]
    codes = [code for code, *_ in ROW.findall(part)]
    assert part.startswith(str(number)) and codes == sorted(codes)
    assert {EXIT[code] for code in codes} == {number} == {int(code[2]) for code in codes}


def test_every_variable_of_this_project_is_on_the_page():
    read = {
        name
        for text in (SOURCES | texts("scripts", "benchmarks")).values()
        for name in VARIABLE.findall(text)
    }
    assert read == set(VARIABLE.findall(PAGE))


def test_every_variable_that_the_program_reads_is_on_the_page():
    read = {name for text in SOURCES.values() for name in READ.findall(text)}
    assert {"OMP_NUM_THREADS", "UAD_BENCH_DATA"} < read
    assert {name for name in read if f"`{name}`" not in PAGE} == set()
