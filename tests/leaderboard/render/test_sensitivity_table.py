"""Texts of the sensitivity to preprocessing; the numbers are tested in tests/leaderboard/test_sensitivity.py."""

from dataclasses import replace

from uad_bench.leaderboard.render.sensitivity_table import as_csv, markdown
from uad_bench.leaderboard.sensitivity import Sensitivity


def test_small_numbers_and_names_are_written_as_in_the_tables_of_the_leaderboard():
    row = Sensitivity("a|b", "scale=1|2", 3, -0.0001, None, 30, 30, -0.0001, -0.0004, 0.0002, 1e-9)
    text = markdown([row], "ap")
    assert "| scale=1\\|2 | 3 | 30 | 0.000 | 30 | 0.000 [0.000, 0.000] | <0.001 |" in text
    assert "## a\\|b: ap" in text
    assert "'=1+1," in as_csv([replace(row, preparation="=1+1")])
