"""Tables for the terminal: narrow, and names are not interpreted as markup."""

import io

import pytest
from rich.console import Console

from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.render.terminal import rich_tables

KINDS = ("iso", "ms", "structural", "tumour")


def printed(found, width):
    console = Console(file=io.StringIO(), width=width)
    for table in rich_tables(found):
        console.print(table)
    return console.file.getvalue()


@pytest.fixture
def full(make_run):
    values = {(kind, "ap.pooled"): 0.1 for kind in KINDS} | {("healthy", "fpr@healthy_q98"): 0.02}
    values |= {"ap.pooled": 0.146, "prevalence.pooled": 0.0226, "ap.case": 0.2, "auroc.pooled": 0.812}
    values |= {f"dice@{rule}": 0.3 for rule in ("healthy_q98", "tune", "oracle_set", "oracle_case")}
    return tables(make_run("patch2loc:conv", seed, values=values) for seed in range(3))


def test_every_value_fits_into_eighty_characters(full):
    text = printed(full, 80)
    for number in ("0.146 ± 0.000", "6.5", "0.812", "0.0200", "0.0226"):
        assert number in text
    assert max(map(len, text.splitlines())) <= 80


def test_names_are_shown_as_they_are(make_run):
    text = printed(tables([make_run("[bold red]x[/]"), make_run("\u202eabc")]), 120)
    assert "[bold red]x[/]" in text and "\\u202eabc" in text


def test_a_value_that_lacks_cases_has_a_star(make_run):
    run = make_run(values={"ap.pooled": 0.2, "auroc.pooled": 0.7})
    values = run.results["phantom"].values
    values["all", "auroc.pooled"] = values["all", "auroc.pooled"]._replace(undefined=1)
    text = printed(tables([run]), 100)
    assert "0.700*" in text and "* incomplete" in text


def test_no_results_are_no_tables():
    assert rich_tables([]) == []
