"""The shape of the code: no import circle, small files and folders, no parameter carried through, no timed test."""

import ast
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "uad_bench"


@pytest.fixture(scope="module")
def imports():
    """(importer, imported) of every module of the three packages."""
    graph = grimp.build_graph("uad_bench", "uad_methods", "uad_datasets", cache_dir=None)
    return {(one, other) for one in graph.modules for other in graph.find_modules_directly_imported_by(one)}


def circles(edges):
    """The nodes that are left when every node that imports nothing, or only such nodes, is taken away."""
    left = {node for edge in edges for node in edge}
    while ends := {node for node in left if not any(a == node and b in left for a, b in edges if a != b)}:
        left -= ends
    return left


def siblings(edges, package):
    """The imports between the members of a package, each member with all that it holds."""
    depth = package.count(".") + 2
    inside = ((a, b) for a, b in edges if a.startswith(f"{package}.") and b.startswith(f"{package}."))
    return {(".".join(a.split(".")[:depth]), ".".join(b.split(".")[:depth])) for a, b in inside}


def test_a_circle_is_found():
    assert circles({("a", "b"), ("b", "a"), ("c", "a")}) == {"a", "b", "c"}
    assert circles({("a", "b"), ("b", "c")}) == set()
    assert circles(siblings({("p.a.x", "p.b.y"), ("p.b.z", "p.a.w")}, "p")) == {"p.a", "p.b"}


def test_no_module_imports_itself_through_others(imports):
    assert not circles(imports)


def test_no_two_folders_of_the_core_import_each_other(imports):
    packages = {
        module.rpartition(".")[0] for edge in imports for module in edge if module.startswith("uad_bench.")
    }
    assert {package for package in packages if circles(siblings(imports, package))} == set()


def test_files_and_folders_stay_small():
    assert len([path for path in CORE.iterdir() if path.is_file()]) <= 10
    folders = [CORE, *(path for path in CORE.rglob("*") if path.is_dir() and path.name != "__pycache__")]
    assert {f.name for f in folders if sum(item.is_file() for item in f.iterdir()) > 16} == set()
    long = {path.name for path in CORE.rglob("*.py") if len(path.read_text().splitlines()) > 300}
    assert long == set()


def test_no_test_limits_the_time_that_code_takes():
    """A slower or busier machine is no fault of the code: times are ratios in benchmarks/."""
    clocks = ("process_time(", "perf_counter(", "thread_time(", "default_timer(")
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path.name != Path(__file__).name]
    assert {path.name for path in tests if any(clock in path.read_text() for clock in clocks)} == set()


def handed_on(function):
    """For each call in a function, the parameters that it takes and that the function uses nowhere else."""
    parameters = {arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)} - {"self", "cls"}
    names = [node.id for node in ast.walk(function) if isinstance(node, ast.Name)]
    once = {name for name in parameters if names.count(name) == 1}
    for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
        values = [*call.args, *(keyword.value for keyword in call.keywords)]
        yield once & {value.id for value in values if isinstance(value, ast.Name)}


def functions(code):
    return (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef))


def test_parameters_that_are_only_handed_on_are_found():
    (function,) = functions("def f(a, b, c):\n    b += 1\n    return g(a, b, key=c)")
    assert list(handed_on(function)) == [{"a", "c"}]


@pytest.mark.parametrize("package", ["uad_bench", "methods/uad_methods", "datasets/uad_datasets"])
def test_no_function_hands_more_than_four_parameters_through_to_another(package):
    found = {
        f"{path.relative_to(ROOT)}: {function.name}"
        for path in (ROOT / package).rglob("*.py")
        for function in functions(path.read_text())
        if any(len(names) > 4 for names in handed_on(function))
    }
    assert found == set()
