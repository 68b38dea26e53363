"""Texts around and inside a table, shared by all formats; nothing is escaped yet."""

from collections.abc import Iterable
from typing import Literal

from uad_bench import plugins
from uad_bench.leaderboard.run_summary import SEEDS_FOR_SPREAD, SEEDS_TO_RANK
from uad_bench.leaderboard.statistic_types import SCHEME, Contrast
from uad_bench.leaderboard.table import Cell, Reported, Row, Table, TableKey
from uad_bench.types import TRACKS, USUAL_TRACK

DAGGER = "†"
NOTHING = "–"
NO_DEVIATION = "n/a (deterministic)"
FEW_SEEDS = "°"
CONTROL = "control"
EQUIVALENT = "≈"
NOT_SIGNIFICANT = "n.s."
POINTWISE = "pointwise"


def title(table: Table) -> str:
    """Test and training dataset, protocol, and the track where it is not the usual one or not the only one."""
    key = table.key
    named = f", track {key.track}" if names_track(table) else ""
    return f"Tested on {key.test}, trained on {key.train}, protocol {key.protocol}{named}"


def names_track(table: Table) -> bool:
    """Whether readers need the track of a table: there are others, or it is not the usual one."""
    return len(table.tracks) > 1 or table.key.track != USUAL_TRACK


def track(key: TableKey) -> str:
    """What the methods of a table learn from: `track healthy: healthy training scans only`."""
    return f"track {key.track}: methods learn from {TRACKS.get(key.track, 'what this version does not know')}"


def facts(table: Table) -> list[str]:
    """Protocol, cases and ranking of a table, one sentence each."""
    key = table.key
    lines = [
        f"protocol {key.protocol}, fingerprint {key.fingerprint}",
        f"trained on {trained_on(key)}, tested on {key.test}: {table.lesion + table.healthy} cases "
        f"({table.lesion} with lesions, {table.healthy} healthy); SHA-256 of the test cases {key.test_ids[:12]}, "
        f"of the train, val and tune cases {key.fit_ids[:12]}",
        f"{patients(table)}: values only, in the order of {table.primary} over all cases with lesions"
        if table.values_only
        else f"ranked by {table.primary} over all cases with lesions, higher is better; scheme: {scheme(table)}",
    ]
    if names_track(table):
        lines.append(f"{track(key)}; each track has a ranking of its own")
    if table.not_comparable:
        lines.append(f"not comparable with the first table of {key.test}: {table.not_comparable}")
    return lines


def patients(table: Table) -> str:
    """`6 patients with lesions`: subjects, of which one may have several cases."""
    return f"{table.patients} patient{'' if table.patients == 1 else 's'} with lesions"


def percent(table: Table) -> str:
    """The coverage of the intervals: `95 %`."""
    return f"{100 * (1 - table.scheme.alpha):g} %"


def trained_on(key: TableKey) -> str:
    """The training set with its summary, which says whether it is synthetic: `NAME (synthetic cohort ...)`."""
    entry = plugins.catalogue().entries.get(("dataset", key.train))
    return f"{key.train} ({entry.summary})" if entry and entry.summary else key.train


def scheme(table: Table) -> str:
    """The order of averaging and ranking."""
    per_seed = "pooled over all cases" if ".pooled" in table.primary else "per case, mean over cases"
    return f"{per_seed}, mean over seeds, then rank; equal means share a rank"


def rank_text(row: Row, *, bare: bool = False) -> str:
    """`1 [1–2]`; "leak" for a row with a data leak, "control" for a control, "–" without a rank."""
    if row.leaky:
        return "leak"
    if row.null or row.rank is None:
        return CONTROL if row.null else NOTHING
    statistics = row.rank_statistics
    interval = "" if bare or statistics is None else f" [{statistics.low}–{statistics.high}]"
    return f"{row.rank}{FEW_SEEDS if has_few_seeds(row) else ''}{interval}"


def has_few_seeds(row: Row) -> bool:
    """The rank is based on fewer seeds than recommended."""
    return row.rank is not None and is_of_few_seeds(row)


def is_of_few_seeds(row: Row) -> bool:
    """The mean, ranked or not, is over fewer seeds than recommended."""
    return not row.deterministic and row.folds < 2 and row.done < SEEDS_TO_RANK


def seeds_text(row: Row) -> str:
    """`5`, `4 of 5` with missing seeds, `n=1`, `15 runs, 5 folds`, `5 det.` for a deterministic method."""
    text = str(row.done) if row.complete else f"{row.done} of {row.started}"
    if row.folds:
        return f"{text} runs, {row.folds} fold{'s' if row.folds > 1 else ''}"
    if row.complete and row.done == 1 and not row.deterministic:
        return "n=1"
    return f"{text} det." if row.deterministic else text


def cases_text(table: Table, row: Row, *, brief: bool = False) -> str:
    """Lesion cases in the primary metric: `36`, `34 (1 undefined, 1 failed)`, brief: `34*`."""
    cell = row.cells.get(("all", table.primary))
    if cell is None:
        return NOTHING
    if not (missing := _missing_cases(table, cell)):
        return str(cell.n)
    return f"{cell.n}*" if brief else f"{cell.n} ({missing})"


def _missing_cases(table: Table, cell: Cell) -> str:
    failed = table.lesion - cell.n - cell.undefined
    return ", ".join(
        f"{n} {what}" for n, what in ((cell.undefined, "undefined"), (failed, "failed")) if n > 0
    )


def cell_text(row: Row, cell: Cell | None, digits: int, chance: float | None, interval: str = "") -> str:
    """`0.146 ± 0.002 (6.5×)`: the ratio is to `chance`; the reason where there is no value."""
    if cell is None or cell.mean is None:
        return cell.reason if cell and cell.reason else NOTHING
    sd = cell.sd if cell.seeds >= SEEDS_FOR_SPREAD else None
    ratio = f" ({cell.mean / chance:.1f}×)" if chance else ""
    return mean_text(cell.mean, sd, digits) + (interval and f" {interval}") + ratio


def mean_text(mean: float, sd: float | None, digits: int = 3) -> str:
    """`0.146 ± 0.002`, or the mean alone."""
    return decimal(mean, digits) + ("" if sd is None else f" ± {sd:.{digits}f}")


def interval_text(low: float | None, high: float | None, digits: int = 3) -> str:
    """`[0.120, 0.172]`; empty where an end is unknown."""
    return "" if low is None or high is None else f"[{decimal(low, digits)}, {decimal(high, digits)}]"


def missing_text(row: Row, cell: Cell | None, primary: str) -> str:
    """Seeds and cases that a value lacks, except those that the column "cases" already shows for the primary metric."""
    if cell is None or cell.mean is None:
        return ""
    seeds = f", {cell.seeds} of {row.done} seeds" if cell.seeds < row.done else ""
    shown = row.cells.get(("all", primary))
    undefined = 0 if shown and shown.undefined == cell.undefined else cell.undefined
    return seeds + (f", {undefined} undefined" if undefined else "")


def missing_cases_text(table: Table, row: Row) -> str:
    """`34 of 36 cases in ap.case: 1 undefined, 1 failed`; empty where the primary metric has all cases."""
    cell = row.cells.get(("all", table.primary))
    missing = _missing_cases(table, cell) if cell else ""
    return f"{cell.n} of {table.lesion} cases in {table.primary}: {missing}" if cell and missing else ""


def primary_missing_text(table: Table, row: Row, cell: Cell | None) -> str:
    """The same for the primary metric in a grid without the column "cases"."""
    if cell is None or cell.mean is None:
        return ""
    seeds, cases = missing_text(row, cell, table.primary), _missing_cases(table, cell)
    return seeds + (cases and f", {cases}")


def contrast_text(contrast: Contrast | None, alpha: float) -> str:
    """`−0.021 [−0.034, −0.008], p 0.013`, p after Holm's correction; "≈" where the rows are equivalent.

    "n.s." follows a p above alpha where the interval, which is not corrected, excludes 0.
    """
    if contrast is None or contrast.difference is None:
        return NOTHING
    interval = interval_text(contrast.low, contrast.high)
    p = "" if contrast.p_holm is None else f", p {p_text(contrast.p_holm, alpha)}"
    equal = f" {EQUIVALENT}" if contrast.p_equal is not None and contrast.p_equal <= alpha else ""
    not_significant = f", {NOT_SIGNIFICANT}" if only_pointwise(contrast, alpha) else ""
    return signed(contrast.difference) + (interval and f" {minus(interval)}") + p + not_significant + equal


def only_pointwise(contrast: Contrast, alpha: float) -> bool:
    """The interval of this difference alone excludes 0, but p after the correction for all pairs is above alpha."""
    if contrast.low is None or contrast.high is None or contrast.p_holm is None:
        return False
    return not contrast.low <= 0 <= contrast.high and contrast.p_holm > alpha


def contrast_reading(table: Table, *, intervals: bool = True) -> str:
    """How p values of differences, and intervals where they are shown, are read; empty without differences."""
    rows = table.rows
    known = [found for row in rows for found in (row.to_best, row.to_reference, row.to_baseline) if found]
    if not any(found.p_holm is not None for found in known):
        return ""
    significant = (
        f"Δ: a difference is significant only where p is at most {table.scheme.alpha:g}; p is corrected for all "
        f"pairs of rows ({table.scheme.correction})"
    )
    if not intervals:
        return significant
    return (
        f"{significant}. The {percent(table)} interval is {POINTWISE}: it is that of one "
        "difference alone, not corrected for the number of pairs, nor for the best row being chosen on the same data. "
        "Where it excludes 0 although "
        f"p is above {table.scheme.alpha:g}, {NOT_SIGNIFICANT} (not significant) follows p. "
        "Where seeds vary, the test also has fewer degrees of freedom than the interval."
    )


def brief_contrast_text(contrast: Contrast | None, alpha: float) -> str:
    """`−0.021 (p 0.013)`, for narrow tables."""
    if contrast is None or contrast.difference is None:
        return NOTHING
    p = "" if contrast.p_holm is None else f" (p {p_text(contrast.p_holm, alpha)})"
    equal = EQUIVALENT if contrast.p_equal is not None and contrast.p_equal <= alpha else ""
    return signed(contrast.difference) + p + equal


def signed(value: float, digits: int = 3) -> str:
    """A difference with its sign; without a sign where it is printed as zero.

    >>> signed(0.0123), signed(-0.0123), signed(-0.0001)
    ('+0.012', '−0.012', '0.000')
    """
    text = f"{value:+.{digits}f}"
    return minus(text) if float(text) else text[1:]


def minus(text: str) -> str:
    """With minus signs in place of hyphens."""
    return text.replace("-", "−")


def decimal(value: float, digits: int) -> str:
    """A number with `digits` decimals, without the sign of a negative zero.

    >>> decimal(-0.0001, 3), decimal(-0.25, 1)
    ('0.000', '-0.2')
    """
    text = f"{value:.{digits}f}"
    return text if float(text) else text.lstrip("-")


def p_text(p: float, alpha: float = SCHEME.alpha) -> str:
    """`0.013`, `<0.001`; a p above alpha has as many digits as show that it is.

    >>> p_text(0.0132), p_text(0.0004), p_text(0.0499), p_text(0.0504)
    ('0.013', '<0.001', '0.050', '0.0504')
    """
    if p < 0.001:
        return "<0.001"
    texts = (f"{p:.{digits}f}" for digits in (3, 4, 5, 6))
    return next((text for text in texts if p <= alpha or float(text) > alpha), f"> {alpha:g}")


def figure(value: float | None) -> str:
    """Three significant digits: 0.0521, 12.3, 1520."""
    if value is None:
        return NOTHING
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def count(n: int | None) -> str:
    """`11.2M`, `4.5k`, `12`: three significant digits.

    >>> count(11_240_000), count(999_600), count(999)
    ('11.2M', '1M', '999')
    """
    if n is None:
        return NOTHING
    rounded = float(f"{n:.3g}")
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if rounded >= size:
            return f"{rounded / size:.3g}{letter}"
    return str(n)


def provenance_text(row: Row) -> str:
    """Whether a row has results reported in papers besides the measured ones."""
    return "measured, reported" if row.reported else "measured"


def reported_text(papers: Iterable[Reported], what: Literal["ap", "dice"]) -> str:
    """`0.588 ± 0.016` for each paper; empty where none reports it."""
    pairs = [(p.ap, p.ap_sd) if what == "ap" else (p.dice, p.dice_sd) for p in papers]
    return " / ".join(mean_text(mean, sd) for mean, sd in pairs if mean is not None)
