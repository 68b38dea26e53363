"""The tables of docs/metrics.md."""

import subprocess
import sys
from pathlib import Path

import pytest

from uad_bench.evaluate.metrics.declarations.declaration import Declaration
from uad_bench.evaluate.metrics.declarations.markdown import filled, reasons, table
from uad_bench.evaluate.metrics.declarations.table import METRICS, REASONS, SECTIONS

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "metrics.md").read_text()


def test_the_page_is_up_to_date():
    assert filled(PAGE) == PAGE, "run python scripts/metric_docs.py"


def test_the_page_names_every_metric_and_every_reason():
    assert [name for name in METRICS if f"| `{name}`" not in PAGE] == []
    assert [name for name in REASONS if f"| `{name}` |" not in PAGE] == []


def test_every_cited_work_is_in_the_references():
    references = PAGE.partition("## References")[2]
    cited = [
        one.source.split(",")[0] for one in METRICS.values() if " 19" in one.source or " 20" in one.source
    ]
    works = {source.partition(";")[0].partition(" (")[0].partition(" and the")[0].strip() for source in cited}
    assert [work for work in works if "scikit-learn" not in work and work not in references] == []


def test_a_part_between_markers_is_replaced_and_the_rest_is_kept():
    names = [*SECTIONS, "reasons"]
    page = "before\n" + "".join(f"<!-- metrics: {name} -->\nreplaced\n<!-- end -->\nkept\n" for name in names)
    new = filled(page)
    assert "replaced" not in new
    assert new.count("kept\n") == len(names) and new.startswith("before\n")
    assert table(SECTIONS["surfaces"]) in new and reasons() in new
    assert filled(new) == new


def test_a_page_without_one_of_the_tables_is_refused():
    with pytest.raises(ValueError, match=r"no place for .*voxels"):
        filled("<!-- metrics: lesions -->\n<!-- end -->\n")


def test_a_row_marks_oracles_units_rules_and_escapes_bars():
    one = Declaration("x", "voxel:X", "", "|a|", (), unit="mm", better="lower", per_rule=True, oracle=True)
    assert table([one]).splitlines()[2] == r"| `x` † | \|a\| | [0, 1] mm | ↓ | per rule: case, pooled |  |  |"


def test_the_script_checks_the_page():
    done = subprocess.run([sys.executable, ROOT / "scripts" / "metric_docs.py", "--check"], check=False)
    assert done.returncode == 0
