"""What is said around and inside a table, in words that every format shares; nothing is escaped yet."""

from collections.abc import Iterable
from typing import Literal

from uad_bench.board.summary import ORACLE, Cell, Reported, Row, Table

DAGGER = "†"
NOTHING = "–"
NO_DEVIATION = "n/a (deterministic)"


def title(table: Table) -> str:
    """Which ranking this is."""
    key = table.key
    return f"{key.protocol}: {key.train} → {key.test}"


def facts(table: Table) -> list[str]:
    """What pins the numbers of a table down."""
    key = table.key
    lines = [
        f"protocol {key.protocol}, fingerprint {key.fingerprint}",
        f"trained on {key.train}, tested on {key.test}: {table.lesion + table.healthy} cases "
        f"({table.lesion} with lesions, {table.healthy} healthy), SHA-256 of their ids {key.test_ids[:12]}",
        f"ranked by {table.primary} over all lesion cases, higher is better",
    ]
    if table.apart:
        lines.append(f"not comparable with the first table of {key.test}: {table.apart}")
    return lines


def notes(table: Table) -> list[str]:
    """How to read the marks, what failed, where reported numbers come from."""
    said = ["± sample standard deviation over seeds; × ratio to the prevalence, which a random score reaches"]
    if any(ORACLE in metric for row in table.rows for _, metric in row.cells):
        said.append(f"{DAGGER} oracle: looks at the test labels; a ceiling, not a result, and never ranks")
    if any(row.null for row in table.rows):
        said.append("null: a floor or plain baseline that every method has to beat; not ranked")
    if any(row.deterministic for row in table.rows):
        said.append("deterministic (det.): nothing is drawn at random, so there is no deviation over seeds")
    said += [f"without a number: {failure}" for row in table.rows for failure in row.failures]
    marks = dict.fromkeys(mark for row in table.rows for mark in row.marks)
    said += [f"marked for good: {mark}" for mark in marks]
    if any(row.leaky for row in table.rows):
        said.append("leak: test and training are not apart; not a result, and never ranked")
    sources = dict.fromkeys(paper.source for row in table.rows for paper in row.reported)
    if sources:
        said.append("reported: as printed, under another protocol (cases, preparation, thresholds), not "
                    f"ranked; source: {'; '.join(sources)}")  # fmt: skip
    return said


def rank_text(row: Row) -> str:
    """The rank, "leak" for a leaky split, "null" for the floor, "–" where seeds are missing."""
    if row.leaky:
        return "leak"
    return "null" if row.null else NOTHING if row.rank is None else str(row.rank)


def seeds_text(row: Row, *, brief: bool = False) -> str:
    """`5`, `4 of 5` where seeds are missing, and why there is no deviation where that needs a word."""
    text = str(row.done) if row.complete else f"{row.done} of {row.begun}"
    if not row.deterministic:
        return text
    return f"{text} det." if brief else f"{text}, sd {NO_DEVIATION}"


def cell_text(row: Row, cell: Cell | None, digits: int, floor: float | None) -> str:
    """`0.146 ± 0.002 (6.5×), 1 undefined`: the ratio is to the `floor`; a reason where there is no number."""
    if cell is None or cell.mean is None:
        return cell.reason if cell and cell.reason else NOTHING
    ratio = f" ({cell.mean / floor:.1f}×)" if floor else ""
    return spread(cell.mean, cell.sd, digits) + ratio + missing(row, cell)


def spread(mean: float, sd: float | None, digits: int = 3) -> str:
    """`0.146 ± 0.002`, or the mean alone where there is no deviation."""
    return f"{mean:.{digits}f}" + ("" if sd is None else f" ± {sd:.{digits}f}")


def missing(row: Row, cell: Cell) -> str:
    """Which seeds and cases a number lacks."""
    seeds = f", {cell.seeds} of {row.done} seeds" if cell.seeds < row.done else ""
    return seeds + (f", {cell.undefined} undefined" if cell.undefined else "")


def reported_text(papers: Iterable[Reported], what: Literal["ap", "dice"]) -> str:
    """`0.588 ± 0.016` for each paper; empty where none printed it."""
    pairs = [(p.ap, p.ap_sd) if what == "ap" else (p.dice, p.dice_sd) for p in papers]
    return " / ".join(spread(mean, sd) for mean, sd in pairs if mean is not None)
