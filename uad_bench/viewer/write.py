"""Writing of the viewer: one folder that works from file://, with one script for each volume."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uad_bench import __version__
from uad_bench.cohort.cohort import Member
from uad_bench.cohort.discovery import Sources
from uad_bench.errors import DataError, UadError, UsageError
from uad_bench.leaderboard.collect import Collected
from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.layout.reading_order import reading_order
from uad_bench.leaderboard.render.escape import printable
from uad_bench.leaderboard.table import Table, TableKey
from uad_bench.results.readable import check_readable
from uad_bench.results.run_cases import available, rows_of_tests
from uad_bench.results.scored_maps import ScoredMaps
from uad_bench.support.atomic_files import write_bytes
from uad_bench.viewer.case_scripts import case_facts, colours, map_facts
from uad_bench.viewer.earlier_files import is_viewer, remove_earlier_cases
from uad_bench.viewer.niivue import LICENCE, niivue_script
from uad_bench.viewer.script_files import script
from uad_bench.viewer.selection import ViewedRun, viewed_runs
from uad_bench.viewer.table_facts import NOT_SHOWN, chosen_cases, table_facts

log = logging.getLogger(__name__)

PAGE = Path(__file__).parent / "page"
FILES = ("index.html", "viewer.css", "data.js", "dice.js", "scene.js", "viewer.js")
THEME = Path(__file__).parents[1] / "leaderboard" / "render" / "theme.css"
#: By table, the fragment of the address at which the viewer shows a case.
Links = Mapping[TableKey, Mapping[str, str]]


@dataclass(frozen=True)
class Written:
    """What was written. cases: number of cases; errors: cases, runs and tables that are left out, each logged."""

    cases: int
    links: Links
    errors: tuple[UadError, ...]


def write_viewer(
    tables: Sequence[Table], collected: Collected, count: int, folder: Path, sources: Sources
) -> Written:
    """Write the pages of `count` cases of every table, the first table of a reader first.

    A table without a case that could be shown is left out, with an error. Cases that an earlier call wrote to the
    folder, and this one did not, are removed. Raises EnvironmentFault without NiiVue (UB613), UsageError where no table
    has a case to show (UB243).
    """
    library = niivue_script()
    earlier = is_viewer(folder)
    runs = list(zip(collected.directories, collected.runs, strict=True))
    sets: list[dict[str, Any]] = []
    links: dict[TableKey, Mapping[str, str]] = {}
    errors: list[UadError] = []
    for table in reading_order(tables):
        place = folder / "cases" / str(len(sets))
        facts, ids, left_out = _write_table(table, viewed_runs(table, runs), count, place, sources)
        errors += left_out
        if facts:
            links[table.key] = {case: f"#case={len(sets)}/{n}" for n, case in enumerate(ids)}
            sets.append(facts)
    if not sets:
        raise _nothing(errors)
    write_bytes(
        folder / "index.js", script("index", {"sets": sets, "version": __version__, "map": colours()})
    )
    _write_page(folder, library)
    if earlier:
        remove_earlier_cases(folder, _names(sets))
    return Written(sum(len(one["cases"]) for one in sets), links, tuple(errors))


def _nothing(errors: Sequence[UadError]) -> UsageError:
    """The error where no table can be shown, to be raised: the reason of the first one, the others are logged."""
    reasons = [error for error in errors if error.code == NOT_SHOWN]
    if not reasons:
        return UsageError("the viewer has no table to show", hint="run a method first", code="UB243")
    first, more = reasons[0], len(reasons) - 1
    others = f"; other tables that cannot be shown: {more}" if more else ""
    what = f"the viewer has no case to show: {first.what}{others}"
    return UsageError(what, where=first.where, hint=first.hint, code="UB243")


def _names(sets: Sequence[Mapping[str, Any]]) -> set[str]:
    """The scripts of all cases, as the page loads them: `0/1/case`, `0/1/map0`."""
    return {
        f"{place}/{n}/{part}"
        for place, one in enumerate(sets)
        for n in range(len(one["cases"]))
        for part in ("case", *(f"map{index}" for index in range(len(one["methods"]))))
    }


def _write_page(folder: Path, library: bytes) -> None:
    for name in FILES:
        text = (PAGE / name).read_bytes()
        write_bytes(folder / name, THEME.read_bytes() + text if name == "viewer.css" else text)
    write_bytes(folder / "niivue.js", library)
    write_bytes(folder / LICENCE.name, LICENCE.read_bytes())


def _write_table(
    table: Table, runs: Sequence[ViewedRun], count: int, folder: Path, sources: Sources
) -> tuple[dict[str, Any], list[str], list[UadError]]:
    """Write the scripts of a table's cases; what the index says of them, their ids, and what is left out.

    Without a case that could be shown nothing is written, and the first two are empty.
    """
    with_maps, errors = _with_maps(runs)
    try:
        chosen = chosen_cases(table, runs, with_maps, count)
    except DataError as error:
        log.warning("left out of the viewer: %s", error)
        return {}, [], [*errors, error]
    members, missing = _members(with_maps, chosen, table.key.test, sources)
    if not members:
        what = f"none of its {len(chosen)} chosen cases is in the data: {missing[0].what}"
        where, hint = printable(wording.title(table)), missing[0].hint
        return {}, [], [*errors, DataError(what, where=where, hint=hint, code=NOT_SHOWN)]
    for viewed in with_maps:
        check_readable(viewed.run)
        viewed.run.verify(maps=True, model=False)
    for n, member in enumerate(members):
        write_bytes(folder / str(n) / "case.js", script(f"{folder.name}/{n}/case", case_facts(member)))
    for index, viewed in enumerate(with_maps):
        _write_maps(viewed, index, members, folder)
    ids = [member.case.case_id for member in members]
    return table_facts(table, with_maps, members, chosen), ids, errors + missing


def _with_maps(runs: Sequence[ViewedRun]) -> tuple[list[ViewedRun], list[UadError]]:
    """The runs with stored maps, and an error for each other one, logged."""
    errors: list[UadError] = []
    for viewed in runs:
        if not (viewed.run.path / "maps").is_dir():
            hint = "run it again with --keep-maps all"
            errors.append(DataError("the run has no stored maps", where=viewed.run.name, hint=hint))
            log.warning("left out of the viewer: %s", errors[-1])
    return [viewed for viewed in runs if (viewed.run.path / "maps").is_dir()], errors


def _members(
    runs: Sequence[ViewedRun], chosen: Mapping[str, str], dataset: str, sources: Sources
) -> tuple[list[Member], list[UadError]]:
    """The chosen cases in their order, and an error for each that is left out, logged; also where their dataset is not
    found. All runs of a table have the same voxels.
    """
    run = runs[0].run
    errors: list[UadError]
    try:
        found, errors = available(run, rows_of_tests(run, list(chosen), dataset), sources)
    except DataError as error:
        found, errors = [], [error]
    for fault in errors:
        log.warning("left out of the viewer: %s", fault)
    order = list(chosen)
    return sorted((one for _, one in found), key=lambda one: order.index(one.case.case_id)), errors


def _write_maps(viewed: ViewedRun, index: int, members: Sequence[Member], folder: Path) -> None:
    maps = ScoredMaps(viewed.run, members, viewed.run.spec())
    for n, (member, scored) in enumerate(zip(members, maps, strict=True)):
        name = f"{folder.name}/{n}/map{index}"
        write_bytes(folder / str(n) / f"map{index}.js", script(name, map_facts(viewed, member, scored)))
    log.info("%s: %d maps in the viewer", viewed.row.label, len(members))
