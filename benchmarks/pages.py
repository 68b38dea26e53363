"""The measured numbers on README and the pages of the methods, from the leaderboard's CSV.

    python -m benchmarks.pages            # write them
    python -m benchmarks.pages --check    # exit 1 where a page has other numbers

Two things are written: tables between the lines `<!-- measured: NAME -->` and `<!-- end -->`, and the cells of rows
that begin with "measured AP, `METHOD`" or "measured AP by type, `METHOD`". Everything else is left as it is.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs/methods").glob("*.md")))
TYPES = ("iso", "ms", "structural", "tumour")
METRICS = ("ap.case", "ap.pooled", "prevalence.case", "prevalence.pooled")
MARKED = re.compile(r"(<!-- measured: (?P<name>[a-z0-9 ]+) -->\n).*?(\n<!-- end -->)", re.DOTALL)
ROW = re.compile(
    r"^\| measured AP(?P<types> by type)?, `(?P<method>[^`]+)`(?P<note>[^|]*)\|.*\|$", re.MULTILINE
)
#: Rows of the table of methods of other benchmarks, beside those that have a reported number of that benchmark.
BESIDE = ("random", "atlas-z", "thresh", "feature-memory:self")
#: The rows of the tables of patch2loc.md, and their names there.
PATCH2LOC = {
    "thresh": "thresh",
    "atlas-z": "atlas-z",
    "patch2loc": "patch2loc, published network, 200 steps",
    "patch2loc:conv": "patch2loc:conv",
    "patch2loc:conv-25d-usual": "patch2loc:conv-25d-usual",
}


class Board:
    """The rows of a leaderboard's CSV; one method of a test set and group has one row."""

    def __init__(self, file: Path) -> None:
        """Read the measured rows of `file`."""
        rows = pd.read_csv(file, low_memory=False)
        rows = rows[rows.origin.eq("measured") & rows.metric.isin(METRICS)]
        # Controls and the prevalence are in the rankings of all tracks, with the same numbers.
        rows = rows[rows.null.eq(0) | rows.track.eq("healthy")]
        self.rows = rows.set_index(["test", "group", "metric", "method"]).sort_index()
        if self.rows.index.duplicated().any():
            raise SystemExit(f"{file}: two rows of {self.rows.index[self.rows.index.duplicated()][0]}")

    def row(
        self, method: str, group: str = "all", test: str = "phantom", metric: str = "ap.case"
    ) -> "pd.Series":
        """One row. Raises SystemExit where the board has none."""
        try:
            return self.rows.loc[(test, group, metric, method)]
        except KeyError:
            raise SystemExit(f"the leaderboard has no {metric} of {method} on {group} of {test}") from None

    def order(self) -> list[str]:
        """Controls by name, then each track's methods by rank, the track with most methods first."""
        rows = self.rows.loc[("phantom", "all", "ap.case")].reset_index()
        rows["size"] = rows.track.map(rows.track.value_counts())
        rows["place"] = rows["rank"].where(rows.null.eq(0), -1)
        return list(
            rows.sort_values(["size", "track", "place", "method"], ascending=[False, True, True, True]).method
        )

    def prevalence(self, group: str, metric: str = "ap.case") -> float:
        """The prevalence: the average precision of a random score."""
        rows = self.rows.loc[("phantom", group, metric.replace("ap", "prevalence"))]
        return float(rows["mean"].iloc[0])

    def cell(
        self,
        method: str,
        group: str = "all",
        metric: str = "ap.case",
        parts: str = "sr",
        test: str = "phantom",
    ) -> str:
        """The mean; parts: s standard deviation over seeds, i interval, r ratio to the prevalence."""
        row = self.row(method, group, test, metric)
        text = f"{row['mean']:.3f}"
        text += f" ± {row['sd']:.3f}" if "s" in parts and row["sd"] == row["sd"] else ""
        text += f" [{row['low']:.3f}, {row['high']:.3f}]" if "i" in parts else ""
        return text + (f" ({row['mean'] / self.prevalence(group, metric):.1f}×)" if "r" in parts else "")


def readme(board: Board) -> Iterator[str]:
    """README's table: the whole synthetic board."""
    yield "| rank | method | seeds | AP per case | AP pooled | iso-intense tumour | MS | structural | tumour |"
    yield "|---|---|---|---|---|---|---|---|---|"
    values = [board.prevalence("all"), board.prevalence("all", "ap.pooled"), *map(board.prevalence, TYPES)]
    yield f"| | prevalence | | {' | '.join(f'{one:.4f}' for one in values)} |"
    lines = {name: [board.cell(name, parts="sir"), board.cell(name, metric="ap.pooled", parts="")]
             + [board.cell(name, group, parts="") for group in TYPES] for name in board.order()}  # fmt: skip
    ranked = [
        name for name in lines if board.row(name)["null"] == 0 and board.row(name)["track"] == "healthy"
    ]
    for column, group in {0: "all", **{i + 2: group for i, group in enumerate(TYPES)}}.items():
        best = max(ranked, key=lambda name: board.row(name, group)["mean"])
        lines[best][column] = f"**{lines[best][column]}**"
    for name, cells in lines.items():
        row = board.row(name)
        rank = "control" if row["null"] else f"{row['rank']:.0f}" + of_track(row["track"])
        seeds = "" if row["deterministic"] else f"{row['seeds']:.0f}"
        yield f"| {rank} | {name} | {seeds} | {' | '.join(cells)} |"


def of_track(track: str) -> str:
    """What stands behind a rank in a ranking other than that of healthy scans."""
    return "" if track == "healthy" else f" of track {track}"


def other_benchmarks(board: Board) -> Iterator[str]:
    """The methods of UAD-IMAG beside its reported Dice on BraTS T2, and references."""
    papers = pd.read_csv(ROOT / "leaderboard/published/uad_imag.csv")
    dice = papers[papers.dataset.eq("brats") & papers.modality.eq("t2")].set_index("method")["ceil_dice_mean"]
    yield "| method | track | AP | iso | ms | structural | tumour | reported |"
    yield "|---|---|---|---|---|---|---|---|"
    yield f"| prevalence | | {' | '.join(f'{board.prevalence(one):.3f}' for one in ('all', *TYPES))} | |"
    names = [name for name in board.order() if name in BESIDE or (name.partition(":")[0] in dice.index)]
    for name in names:
        row, paper = board.row(name), dice.get(name.partition(":")[0])
        cells = [board.cell(name, parts="si"), *(board.cell(name, one, parts="") for one in TYPES)]
        track = "" if row["null"] else row["track"]
        yield f"| `{name}` | {track} | {' | '.join(cells)} | {'' if paper is None else f'{paper:.1f}'} |"


def patch2loc(metric: str, title: str, parts: str) -> Callable[[Board], Iterator[str]]:
    """A table of patch2loc.md by lesion type."""

    def lines(board: Board) -> Iterator[str]:
        yield f"| {title} | all | iso | MS | structural | tumour |"
        yield "|---|---|---|---|---|---|"
        shown = {
            name: [board.cell(name, group, metric, parts) for group in ("all", *TYPES)] for name in PATCH2LOC
        }
        yield f"| prevalence | {' | '.join(f'{board.prevalence(one, metric):.4f}' for one in ('all', *TYPES))} |"
        for i, group in enumerate(("all", *TYPES)):
            best = max(PATCH2LOC, key=lambda name: board.row(name, group, metric=metric)["mean"])
            shown[best][i] = f"**{shown[best][i]}**"
        for name, cells in shown.items():
            yield f"| {PATCH2LOC[name]} | {' | '.join(cells)} |"

    return lines


TABLES: dict[str, Callable[[Board], Iterator[str]]] = {
    "synthetic cohort": readme,
    "methods of other benchmarks": other_benchmarks,
    "patch2loc per case": patch2loc("ap.case", "AP per case", "sr"),
    "patch2loc pooled": patch2loc("ap.pooled", "AP of all voxels pooled", "s"),
}


def written(text: str, board: Board) -> str:
    """A page with the numbers of the board."""

    def table(match: re.Match[str]) -> str:
        return match[1] + "\n".join(TABLES[match["name"]](board)) + match[3]

    def row(match: re.Match[str]) -> str:
        name = match["method"]
        if match["types"]:
            cells = [board.cell(name, group, parts="s") for group in (*TYPES, "all")]
        else:
            cells = [
                board.cell(name),
                *(board.cell(name, parts="s", test=test) for test in ("brats21", "mslub")),
            ]
        return f"| measured AP{match['types'] or ''}, `{name}`{match['note']}| {' | '.join(cells)} |"

    return ROW.sub(row, MARKED.sub(table, text))


def main() -> None:
    """Write or check the pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--board", type=Path, default=ROOT / "leaderboard/results/measured.csv.gz")
    given = parser.parse_args()
    board = Board(given.board)
    other = {page: new for page in PAGES if (new := written(old := page.read_text(), board)) != old}
    for page, text in other.items():
        print(page.relative_to(ROOT))
        if not given.check:
            page.write_text(text)
    sys.exit(bool(other) and given.check)


if __name__ == "__main__":
    main()
