"""AP of the same methods on the synthetic cohort and on real scans, by version of the cohort.

    python -m benchmarks.carry_over "version 4=leaderboard/results/measured.csv.gz" \
        --reported leaderboard/published/patch2loc_talk.csv

Reads CSV files of `uad-bench leaderboard --format csv`. Prints Markdown: AP per patient (mean over seeds) of each
method that is in all files, on the lesions of the synthetic cohort and on the real scans; then Kendall's tau-b between
the columns of the synthetic cohort and the AUPRC that the Patch2Loc talk reports, over the methods that have both.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from scipy.stats import kendalltau

#: Column: test set and group of the leaderboard's CSV.
SYNTHETIC = {
    "synthetic": ("phantom", "all"),
    "synthetic MS": ("phantom", "ms"),
    "synthetic tumour": ("phantom", "tumour"),
}
REAL = {"MSLUB": ("mslub", "all"), "BraTS21": ("brats21", "all")}
#: Rows that stand for a reported name where the name itself has no row: the variant without borrowed weights.
STANDS_FOR = {"fae": "fae:self", "ra": "ra:ssim", "phanes": "phanes:noperc"}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tables", nargs="+", metavar="LABEL=FILE")
    parser.add_argument("--reported", type=Path, required=True)
    given = parser.parse_args()
    tables = {label: read(Path(file)) for label, file in (one.split("=", 1) for one in given.tables)}
    print(side_by_side(tables), end="\n\n")
    print(correlations(tables, reported(given.reported)))


def read(file: Path) -> pd.DataFrame:
    """Measured AP per patient: methods in the index, the columns of SYNTHETIC and REAL."""
    rows = pd.read_csv(file, low_memory=False)
    rows = rows[(rows.metric == "ap.case") & (rows.origin == "measured") & rows["mean"].notna()]
    columns = {}
    for name, (test, group) in {**SYNTHETIC, **REAL}.items():
        part = rows[(rows.test == test) & (rows.group == group)]
        if part.method.duplicated().any():
            raise SystemExit(
                f"{file}: {test}, {group} has two rows of {part.method[part.method.duplicated()].iloc[0]}"
            )
        columns[name] = part.set_index("method")["mean"]
    return pd.DataFrame(columns)


def reported(file: Path) -> dict[str, "pd.Series[float]"]:
    """Reported AUPRC in percent of each test set, by method."""
    rows = pd.read_csv(file)
    return {str(name): part.set_index("method")["auprc_mean"] for name, part in rows.groupby("dataset")}


def side_by_side(tables: Mapping[str, pd.DataFrame]) -> str:
    """AP of the methods that are in all tables, by name."""
    names = [
        name
        for name in next(iter(tables.values())).index
        if all(name in one.index for one in tables.values())
    ]
    columns = [f"{column}, {label}" for column in (*SYNTHETIC, *REAL) for label in tables]
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for name in sorted(map(str, names)):
        values = [tables[label].at[name, column] for column in (*SYNTHETIC, *REAL) for label in tables]
        lines.append(f"| `{name}` | {' | '.join(f'{value:.3f}' for value in values)} |")
    return "\n".join(lines)


def correlations(tables: Mapping[str, pd.DataFrame], papers: "Mapping[str, pd.Series[float]]") -> str:
    """Kendall's tau-b and the number of methods, for each version, synthetic column and reported test set."""
    lines = [
        "| synthetic cohort | column | tau to BraTS21, reported | tau to MSLUB, reported |",
        "|---|---|---|---|",
    ]
    for label, table in tables.items():
        for column in SYNTHETIC:
            cells = [tau(table[column], papers[name]) for name in ("brats21", "mslub")]
            lines.append(f"| {label} | {column} | {' | '.join(cells)} |")
    return "\n".join(lines)


def tau(measured: "pd.Series[float]", paper: "pd.Series[float]") -> str:
    """Kendall's tau-b over the methods that have both numbers."""
    pairs = [
        (measured.get(name, measured.get(STANDS_FOR.get(name, ""))), paper[name]) for name in paper.index
    ]
    pairs = [(ours, theirs) for ours, theirs in pairs if pd.notna(ours)]
    return (
        f"{kendalltau(*zip(*pairs, strict=True)).statistic:+.2f} ({len(pairs)} methods)"
        if len(pairs) > 2
        else ""
    )


if __name__ == "__main__":
    main()
