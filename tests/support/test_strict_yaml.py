"""YAML as people mean it, and what is refused."""

import tracemalloc

import pytest

from uad_bench.errors import IntegrityError, UsageError
from uad_bench.support import strict_yaml


def test_f71_numbers_are_numbers():
    assert strict_yaml.parse("{a: 1e-3, b: 1E5, c: -2.5e+3, d: 7, e: 1.5, f: abc, g: 1e}", "x") == {
        "a": 0.001, "b": 1e5, "c": -2500.0, "d": 7, "e": 1.5, "f": "abc", "g": "1e",
    }  # fmt: skip
    assert strict_yaml.parse("{a: 12:30, b: 0, c: -12, d: 1_000, e: 0x1F}", "x") == {
        "a": "12:30", "b": 0, "c": -12, "d": 1000, "e": 31,
    }  # fmt: skip


def test_f69_a_key_that_stands_twice_is_an_error_with_both_lines():
    with pytest.raises(UsageError, match=r"'lr' stands on line 1 and again.*line 3"):
        strict_yaml.parse("lr: 1\nx: 2\nlr: 3\n", "file.yaml")


def test_f67_a_tag_that_would_run_code_is_refused():
    with pytest.raises(IntegrityError) as caught:
        strict_yaml.parse("a: !!python/name:os.system", "file.yaml")
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x",
        "[" * 2000,
        "a: " + "{b: " * 40 + "1" + "}" * 40,
        "x" * 2_000_000,
        "a: [1",
        "? [a, b]\n: 1",
        "a: !!int foo",
        "a: !!timestamp foo",
    ],
)
def test_f68_bombs_and_broken_texts_are_one_line_errors(text):
    with pytest.raises(UsageError) as caught:
        strict_yaml.parse(text, "file.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", ["1e999", "-1e999", ".inf", "-.inf", ".nan", ".NaN"])
def test_numbers_are_finite(number):
    with pytest.raises(UsageError, match="is not a finite number"):
        strict_yaml.parse(f"lr: {number}", "file.yaml")


def test_a_file_must_hold_a_mapping(tmp_path):
    (tmp_path / "a.yaml").write_text("- 1\n")
    with pytest.raises(UsageError, match="keys and values"):
        strict_yaml.read(tmp_path / "a.yaml")
    with pytest.raises(UsageError, match="cannot read"):
        strict_yaml.read(tmp_path / "none.yaml")


@pytest.mark.parametrize("size", [strict_yaml.MAX_BYTES + 1, 100_000_000, 10_000_000_000])
def test_f68_a_large_file_is_refused_before_it_is_read(tmp_path, size):
    with (tmp_path / "a.yaml").open("wb") as file:  # sparse: it takes no space on the disk
        file.truncate(size)
    tracemalloc.start()
    with pytest.raises(UsageError, match="larger than"):
        strict_yaml.read(tmp_path / "a.yaml")
    assert tracemalloc.get_traced_memory()[1] < 5 * strict_yaml.MAX_BYTES
    tracemalloc.stop()
