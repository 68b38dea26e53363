"""Numbers of runs and of evaluations as data frames."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uad_bench.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from uad_bench.leaderboard.table import Table
    from uad_bench.results.run_directory import RunDir


@dataclass(frozen=True, eq=False)
class Results:
    """Numbers as data frames.

    cases: one row for each case and metric; table: one row for each value of the leaderboard (of `evaluate`: of the
    set of cases), with means, standard deviations, intervals and ranks where there are any; runs: their folders.
    """

    cases: "pd.DataFrame"
    table: "pd.DataFrame"
    runs: tuple[Path, ...] = ()
    _tables: tuple["Table", ...] = field(default=(), repr=False)

    def plot(self, kind: str = "", number: int = 0) -> "Figure":
        """A figure: of the leaderboard table `number`, kind forest (the default), sizes, paired, ranks, critical or
        cost; for results of `evaluate` the values of all cases by metric. Raises UsageError without values to draw."""
        from uad_bench.figures.case_values import case_values
        from uad_bench.figures.leaderboard_figures import PLOTS

        if not self._tables:
            return case_values(self.cases)
        if (kind or "forest") not in PLOTS:
            from uad_bench.errors import unknown_name

            raise unknown_name("figure", kind, PLOTS)
        if not -len(self._tables) <= number < len(self._tables):
            what = f"there is no table {number}, the results have {len(self._tables)}"
            raise UsageError(what, hint=f"give a number from 0 to {len(self._tables) - 1}")
        figure = PLOTS[kind or "forest"](self._tables[number])
        if figure is None:
            raise UsageError(f"the table has no values for the figure {kind!r}", hint="choose another kind")
        return figure


def results_of(runs: "Iterable[RunDir]") -> Results:
    """The results of the complete ones of some runs. Raises the error of the first one that cannot be read."""
    import io

    import pandas as pd

    from uad_bench.leaderboard import aggregate
    from uad_bench.leaderboard.collect import summarise
    from uad_bench.leaderboard.render.render import render

    done = [one for one in runs if one.state == "complete"]
    tables = tuple(aggregate.tables([summarise(one) for one in done]))
    cases = [pd.DataFrame(_case_rows(one)) for one in done]
    cases = [frame for frame in cases if len(frame)]
    table = pd.read_csv(io.StringIO(render(tables, "csv", []))) if tables else pd.DataFrame()
    paths = tuple(one.path for one in done)
    return Results(pd.concat(cases, ignore_index=True) if cases else pd.DataFrame(), table, paths, tables)


def _case_rows(run: "RunDir") -> Iterator[dict[str, Any]]:
    spec = run.spec()
    same = {"protocol": spec.protocol.name, "method": spec.method, "seed": spec.seed, "run": run.name}
    for row in run.table("cases.csv"):
        yield same | {**row, "value": float(row["value"]) if row["value"] else None}
