"""The table of all built-in metrics: names, targets, bins and texts."""

import subprocess
import sys

import pytest

from uad_bench import plugins
from uad_bench.evaluate.metrics.declarations.table import METRICS, REASONS, SECTIONS

DETECTION = SECTIONS["strata"]


def test_every_name_and_every_class_is_declared_once():
    declared = [one for section in SECTIONS.values() for one in section]
    assert len({one.name for one in declared}) == len({one.target for one in declared}) == len(declared) == 63
    assert all(plugins.METRIC_NAME.fullmatch(one.name) for one in declared)


@pytest.mark.parametrize("one", METRICS.values(), ids=lambda one: one.name)
def test_every_declaration_is_complete(one):
    assert one.summary and one.formula and one.value_range and one.undefined
    assert one.summary.isascii()  # `uad-bench list` prints it in any terminal
    assert not one.summary.endswith(".")
    assert set(one.undefined) <= set(REASONS)
    assert ("no_threshold" in one.undefined) == one.per_rule
    assert one.value_range == "[0, 1]" or one.unit != "" or one.name == "ap_gain"


@pytest.mark.parametrize("trait", ["size", "contrast", "depth", "side", "height"])
def test_the_bins_of_a_trait_cover_the_line_without_overlap(trait):
    bins = [one.constants for one in DETECTION if one.constants["trait"] == trait]
    assert "low" not in bins[0] and "high" not in bins[-1]
    assert [one["high"] for one in bins[:-1]] == [one["low"] for one in bins[1:]]


def test_the_formula_of_a_bin_gives_its_ends():
    formulas = {one.name: one.formula for one in DETECTION}
    assert formulas["detect_size_10to100"].endswith("10 ≤ volume in mm³ < 100")
    assert formulas["detect_contrast_dark"].endswith("contrast < −1")
    assert formulas["detect_height_middle"].endswith("1/3 ≤ position along z < 2/3")


def test_oracles_and_metrics_of_every_stage():
    assert {one.name for one in METRICS.values() if one.oracle} == {"sens_fpr05", "sens_fpr01"}
    assert {one.name for one in METRICS.values() if one.per_stage} == {"ap", "dice"}


def test_the_table_loads_without_numpy():
    code = "import sys, uad_bench.evaluate.metrics.builtin; print({'numpy', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
