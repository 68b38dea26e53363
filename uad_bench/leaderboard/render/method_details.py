"""What the HTML page says of a method below its table: paper, parameters, training curves, costs, cases."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.layout.columns import cost_columns
from uad_bench.leaderboard.render.charts.chart import Chart
from uad_bench.leaderboard.render.charts.training import training_charts
from uad_bench.leaderboard.table import Row, Table
from uad_bench.results.training_log import TrainingLog

#: Training logs whose charts are in the page, and the id of the method that has them.
Drawn = dict[tuple[TrainingLog, ...], str]


@dataclass(frozen=True)
class MethodDetails:
    """What is known of a row. parameters, costs: (name, text); cases: (case id, value, address in the viewer),
    the best first; training: charts of what its runs logged; training_at: id of the method that has these charts,
    "" for this one."""

    id: str
    row: Row
    doi: str
    parameters: tuple[tuple[str, str], ...]
    costs: tuple[tuple[str, str], ...]
    cases: tuple[tuple[str, str, str], ...]
    training: tuple[Chart, ...]
    training_at: str


def method_details(
    table: Table, row: Row, name: str, links: Mapping[str, str], logs: tuple[TrainingLog, ...], drawn: Drawn
) -> MethodDetails:
    """The details of a row; a DOI or an arXiv number of its paper becomes a link.

    drawn: ids of the methods whose charts the page has already, by their logs; this method is added.
    """
    parameters = ((key, str(value)) for key, value in sorted(row.settings.items()))
    costs = ((column.heading.text, column.text(row)) for column in cost_columns(table))
    known = sorted(
        ((case, v) for case, v in row.values.items() if v is not None), key=lambda pair: (-pair[1], pair[0])
    )
    undefined = ((case, None) for case, value in sorted(row.values.items()) if value is None)
    cases = (
        (case, "undefined" if value is None else wording.decimal(value, 3), links.get(case, ""))
        for case, value in (*known, *undefined)
    )
    place = drawn.setdefault(logs, name)
    charts = training_charts(logs) if place == name else ()
    return MethodDetails(
        *(name, row, doi(row.paper), tuple(parameters), tuple(costs), tuple(cases)),
        training=charts,
        training_at="" if place == name or not logs else place,
    )


def doi(paper: str) -> str:
    """The DOI in a citation; that of arXiv for an arXiv number; "" for none.

    >>> doi("Baur et al. 2021, arXiv 2004.03271"), doi("Schlegl, doi 10.1016/j.media.2019.01.010"), doi("a talk")
    ('10.48550/arXiv.2004.03271', '10.1016/j.media.2019.01.010', '')
    """
    found, arxiv = (
        re.search(r"\b10\.\d{4,}/[\w.()/:-]*\w", paper),
        re.search(r"arXiv:? ?(\d{4}\.\d{4,5})", paper),
    )
    return found[0] if found else f"10.48550/arXiv.{arxiv[1]}" if arxiv else ""
