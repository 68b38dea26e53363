"""Write the tables of docs/metrics.md from the declarations of the metrics.

python scripts/metric_docs.py [--check]: with --check nothing is written, and exit code 1 says that the page is out of
date.
"""

import sys
from pathlib import Path

from uad_bench.evaluate.metrics.declarations.markdown import filled

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"

if __name__ == "__main__":
    text = PAGE.read_text()
    if "--check" in sys.argv:
        sys.exit(
            0 if filled(text) == text else f"{PAGE.name} is out of date: run python scripts/metric_docs.py"
        )
    PAGE.write_text(filled(text))
