"""Training logs of the rows of tables."""

from tests.helpers.run_directories import run_directory
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.collect import collect
from uad_bench.leaderboard.row_training import row_training

LOG = [("phase0", 0, "loss", 2.0), ("phase0", 1, "loss", 1.0)]


def test_i17_every_row_has_the_logs_of_its_seeds(tmp_path):
    runs = [run_directory(tmp_path, "ae", seed, log=LOG) for seed in (1, 0)] + [
        run_directory(tmp_path, "thresh")
    ]
    found = collect(runs)
    (table,) = tables(found.runs)
    logs, errors = row_training([table], found)
    assert [log.label for log in logs[table.key]["ae"]] == ["seed 0", "seed 1"]
    assert logs[table.key]["thresh"] == () and errors == []


def test_i17_a_damaged_log_is_left_out_with_an_error(tmp_path, caplog):
    run = run_directory(tmp_path, "ae", log=LOG)
    (run.path / "train.csv").write_text("phase,step,name,value\nphase0,first,loss,2\n")
    found = collect([run])
    (table,) = tables(found.runs)
    logs, errors = row_training([table], found)
    assert logs[table.key]["ae"] == () and "train.csv cannot be read" in str(errors[0])
    assert "training curve left out" in caplog.text
