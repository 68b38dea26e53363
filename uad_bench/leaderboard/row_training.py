"""The training logs of the rows of tables, for the HTML page."""

import logging
from collections.abc import Iterable

from uad_bench.errors import UadError
from uad_bench.leaderboard.aggregate import one_run_per_seed, runs_by_label
from uad_bench.leaderboard.collect import Collected
from uad_bench.leaderboard.comparability import belongs
from uad_bench.leaderboard.table import Table, TableKey
from uad_bench.results.training_log import TrainingLog, training_log

log = logging.getLogger(__name__)

#: By table and label of the row, the logs of its complete runs, one for each seed and fold.
TrainingLogs = dict[TableKey, dict[str, tuple[TrainingLog, ...]]]


def row_training(tables: Iterable[Table], collected: Collected) -> tuple[TrainingLogs, list[UadError]]:
    """The logs, and an error for each run whose log cannot be read, which is left out and logged."""
    read: dict[str, TrainingLog] = {}
    errors: list[UadError] = []
    for run, summary in zip(collected.directories, collected.runs, strict=True):
        if summary.complete and summary.name not in read:
            try:
                read[summary.name] = training_log(run)
            except UadError as error:
                errors.append(error)
                log.warning("training curve left out: %s", error)
    return {table.key: _of_rows(table, collected, read) for table in tables}, errors


def _of_rows(
    table: Table, collected: Collected, read: dict[str, TrainingLog]
) -> dict[str, tuple[TrainingLog, ...]]:
    own = [one for one in collected.runs if belongs(one, table.key)]
    by_label = runs_by_label(sorted(own, key=lambda run: (not run.complete, run.name)))
    return {
        label: tuple(
            read[run.name] for run in one_run_per_seed(runs) if run.name in read and read[run.name].series
        )
        for label, runs in by_label.items()
    }
