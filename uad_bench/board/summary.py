"""The words of the leaderboard: what a run is (`runs`), what a table is (`table`), what statistics say (`verdicts`)."""

from uad_bench.board.runs import (
    LEAK,
    NO_COST,
    ORACLE,
    SEEDS_FOR_SPREAD,
    SEEDS_TO_RANK,
    STAGE,
    CaseValues,
    Cost,
    Draws,
    Name,
    Number,
    RunSummary,
    Tested,
)
from uad_bench.board.table import Cell, Key, Reported, Row, Table
from uad_bench.board.verdicts import SCHEME, Contrast, Critical, Scheme, Standing

__all__ = [
    "LEAK",
    "NO_COST",
    "ORACLE",
    "SCHEME",
    "SEEDS_FOR_SPREAD",
    "SEEDS_TO_RANK",
    "STAGE",
    "CaseValues",
    "Cell",
    "Contrast",
    "Cost",
    "Critical",
    "Draws",
    "Key",
    "Name",
    "Number",
    "Reported",
    "Row",
    "RunSummary",
    "Scheme",
    "Standing",
    "Table",
    "Tested",
]
