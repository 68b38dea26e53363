"""All figures of a leaderboard: intervals, recall by lesion size, pairs of methods, ranks, critical differences."""

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from uad_bench.figures import ranks, scores
from uad_bench.figures.style import save, slug
from uad_bench.leaderboard.table import Table


def draw_tables(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Write all figures of all tables that have the numbers for them; the files, `01-uad-1mm-mslub-forest.svg`."""
    kinds: dict[str, Callable[[Table], Figure | None]] = {
        "forest": scores.forest,
        "sizes": scores.sizes,
        "paired": scores.paired,
        "ranks": ranks.ranks,
        "critical": ranks.critical,
    }
    written = []
    for number, table in enumerate(tables, 1):
        for kind, make in kinds.items():
            stem = folder / f"{number:02d}-{slug(table.key.protocol)}-{slug(table.key.test)}-{kind}"
            written += save(lambda make=make, table=table: make(table), stem)  # type: ignore[misc]
    return written
