"""AP of the same methods on the synthetic cohort and on real scans, by version of the cohort.

    python -m benchmarks.carry_over "version 4=leaderboard/results/measured.csv.gz" \
        --reported leaderboard/published/patch2loc_talk.csv

Reads CSV files of `uad-bench leaderboard --format csv`. Prints Markdown: AP per case (mean over seeds) of each
method that is in all files, on the lesions of the synthetic cohort and on the real scans; then Kendall's tau-b of the
columns of the synthetic cohort with the AUPRC that the Patch2Loc talk reports (over the methods that were run, and with
variants that stand for methods whose weights are not free), and with the AP on the real scans; first over the methods
that are in all files, then over all methods of each file where that is more. Controls are left out.
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
    parser.add_argument("--tau-only", action="store_true", help="the second table alone")
    given = parser.parse_args()
    tables = {label: read(Path(file)) for label, file in (one.split("=", 1) for one in given.tables)}
    if not given.tau_only:
        print(side_by_side(tables), end="\n\n")
    print(correlations(tables, reported(given.reported)))


def read(file: Path) -> pd.DataFrame:
    """Measured AP per case: methods in the index, the columns of SYNTHETIC and REAL."""
    rows = pd.read_csv(file, low_memory=False)
    rows = rows[(rows.metric == "ap.case") & (rows.origin == "measured") & rows["mean"].notna()]
    rows = rows[rows["null"] == 0]  # controls are no methods
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


def shared(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The rows of the methods that are in all tables."""
    names = set.intersection(*(set(one.index) for one in tables.values()))
    return {label: one.loc[sorted(names)] for label, one in tables.items()}


def side_by_side(tables: Mapping[str, pd.DataFrame]) -> str:
    """AP of the methods that are in all tables, by name."""
    common = shared(tables)
    columns = [f"{column}, {label}" for column in (*SYNTHETIC, *REAL) for label in tables]
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    pairs = [one[column].map("{:.3f}".format) for column in (*SYNTHETIC, *REAL) for one in common.values()]
    for name, *cells in pd.concat(pairs, axis=1).itertuples(name=None):
        lines.append(f"| `{name}` | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def correlations(tables: Mapping[str, pd.DataFrame], papers: "Mapping[str, pd.Series[float]]") -> str:
    """Kendall's tau-b and the number of methods, for each version, synthetic column and real test set."""
    sets = {"brats21": "BraTS21", "mslub": "MSLUB"}
    kinds = ("reported", "reported, with stand-ins", "real scans")
    heads = [f"{name}, {kind}" for name in sets.values() for kind in kinds]
    lines = [f"| synthetic cohort | column | {' | '.join(heads)} |", f"|---|---|{'---|' * len(heads)}"]
    parts = list(shared(tables).items())
    parts += [(f"{label}, all", tables[label]) for label, one in parts if len(one) < len(tables[label])]
    for label, table in parts:
        for column in SYNTHETIC:
            cells = [
                cell
                for name, title in sets.items()
                for cell in (
                    tau_of(table[column], papers[name]),
                    tau(table[column], papers[name]),
                    tau_of(table[column], table[title]),
                )
            ]
            lines.append(f"| {label} | {column} | {' | '.join(cells)} |")
    return "\n".join(lines)


def tau(measured: "pd.Series[float]", paper: "pd.Series[float]") -> str:
    """Kendall's tau-b over the methods that have both numbers, or whose stand-in has one."""
    ours = {name: measured.get(name, measured.get(STANDS_FOR.get(name, ""))) for name in paper.index}
    return tau_of(pd.Series(ours, dtype=float), paper)


def tau_of(one: "pd.Series[float]", other: "pd.Series[float]") -> str:
    """Kendall's tau-b over the methods that have a number in both columns; empty below three."""
    both = pd.concat([one, other], axis=1, join="inner").dropna()
    if len(both) < 3:
        return ""
    return f"{kendalltau(both.iloc[:, 0], both.iloc[:, 1]).statistic:+.2f} ({len(both)})"


if __name__ == "__main__":
    main()
