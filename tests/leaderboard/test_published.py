"""Results reported in papers: read, checked, and assigned to rows without changing ranks."""

import pytest

from uad_bench.errors import DataError
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.published import COLUMNS, read
from uad_bench.support.package_files import shipped


def write(folder, *lines):
    (folder / "a.csv").write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")


def test_the_shipped_results_are_fractions_with_a_source():
    found = {(p.method, p.dataset): p for p in read(shipped("leaderboard/published"))}
    talk = found["patch2loc", "brats21"]
    assert (talk.dice, talk.dice_sd, talk.ap, talk.ap_sd) == pytest.approx((0.595, 0.0145, 0.554, 0.013))
    assert found["thresh", "brats21"].ap_sd is None
    assert found["disyre", "brats"].modality == "t2" and found["disyre", "brats"].dice == pytest.approx(0.646)
    assert all("Patch2Loc talk" in paper.source or "UAD-IMAG" in paper.source for paper in found.values())


@pytest.mark.parametrize("value", ["nan", "-1", "101", "5,5", "inf"])
def test_an_invalid_percentage_is_refused_with_file_and_line(tmp_path, value):
    write(tmp_path, f'ae,c,brats21,t2,10,"{value}",,1,,s')
    with pytest.raises(DataError, match=r"ceil_dice_mean .*a\.csv, line 2"):
        read(tmp_path)


@pytest.mark.parametrize("line", ["ae,c,phantom", "ae,c,phantom,t2,9,1,1,1,1,s,more"])
def test_a_line_with_a_wrong_number_of_cells_is_refused(tmp_path, line):
    write(tmp_path, line)
    with pytest.raises(DataError, match="line 2"):
        read(tmp_path)


def test_a_missing_column_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("method,dataset\n")
    with pytest.raises(DataError, match="auprc_mean"):
        read(tmp_path)


def test_they_belong_to_the_method_not_its_variants_on_the_same_dataset_and_modality(make_run, tmp_path):
    write(tmp_path, "ae,c,phantom,t2,9,1,,2,,s", "ae,c,phantom,flair,9,1,,3,,s", "ae,c,mslub,t2,9,1,,4,,s")
    (table,) = tables([make_run("ae"), make_run("ae:big")], read(tmp_path))
    assert {row.label: [p.ap for p in row.reported] for row in table.rows} == {"ae": [0.02], "ae:big": []}


def test_they_never_change_a_rank(make_run, tmp_path):
    write(tmp_path, "ae,c,phantom,t2,9,99,,99,,s")
    runs = [make_run("ae"), make_run("vae", values={"ap.pooled": 0.3})]
    assert [r.rank for r in tables(runs, read(tmp_path))[0].rows] == [r.rank for r in tables(runs)[0].rows]
