"""Figures of a run: selection of typical cases, training curves from train.csv."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread

from tests.helpers.run_directories import run_directory
from uad_bench.errors import IntegrityError
from uad_bench.evaluate.rows import SetRow
from uad_bench.figures import training_curves
from uad_bench.figures.run_figures import case_label, draw_training, tabulated_dice, typical_cases


def member(kind, volume=0):
    """A prepared case with a lesion of some voxels; kind: "healthy", a lesion kind, or "" where it is unknown."""
    truth = SimpleNamespace(lesion_mask=np.arange(100) < volume)
    case = SimpleNamespace(healthy=kind == "healthy", lesion_kind="" if kind == "healthy" else kind)
    return SimpleNamespace(case=case, prepared=SimpleNamespace(truth=lambda: truth))


def test_typical_cases_are_those_of_median_lesion_volume_of_each_kind_and_healthy_ones_last():
    members = [member("ms", 9), member("healthy"), member("ms", 1), member("ms", 5), member("tumour", 50)]
    assert typical_cases(members) == [3, 4, 1, 2, 0]
    assert typical_cases([member("ms", i) for i in range(20)])[:3] == [10, 9, 11]
    assert len(typical_cases([member("ms", i) for i in range(20)])) == 6
    assert typical_cases([]) == []


@pytest.mark.parametrize(("kind", "label"), [("healthy", "healthy"), ("ms", "ms"), ("", "lesion")])
def test_a_case_is_labelled_by_its_lesion_kind(kind, label):
    assert case_label(member(kind)) == label


def test_i6_tabulated_dice_is_that_of_all_lesion_cases():
    values = {"dice@tune": 0.3, "dice.pooled@tune": 0.5, "dice@oracle_case": 0.6, "ap.case": 0.2}
    rows = [SetRow("all", metric, value, 4, 0) for metric, value in values.items()]
    rows.append(SetRow("ms", "dice@tune", 0.9, 2, 2))
    assert tabulated_dice(rows) == {"tune": (0.5, 0.3), "oracle_case": (None, 0.6)}


LOG = [("p", 0, "loss", 2.0), ("p", 1, "loss", 1.0), ("p", 1, "validation", 3.0)]


def test_training_curves_are_drawn_of_every_run_with_a_log(tmp_path, monkeypatch):
    runs = [run_directory(tmp_path, seed=s, log=LOG) for s in (0, 1)] + [run_directory(tmp_path, "thresh")]
    drawn = []
    monkeypatch.setattr(training_curves, "draw_training_curves", lambda *given: drawn.append(given))
    assert draw_training(runs, tmp_path / "t.png") and draw_training(runs[:1], tmp_path / "t.png")
    (_, logs, title), (_, _, single) = drawn
    assert [(log.method, log.label) for log in logs] == [("ae", "seed 0"), ("ae", "seed 1")]
    assert list(logs[0].series) == [("p", "loss"), ("p", "validation")]
    assert logs[0].series["p", "loss"].values.tolist() == [2.0, 1.0]
    assert (title, single) == ("training", "ae seed 0, phantom: training")


def test_a_run_without_a_log_has_no_file(tmp_path):
    assert not draw_training([run_directory(tmp_path, "thresh")], tmp_path / "t.png")
    assert not (tmp_path / "t.png").exists()
    assert draw_training([run_directory(tmp_path, log=LOG, fold=2)], tmp_path / "t.png")
    assert imread(tmp_path / "t.png").std() > 0.02


def test_a_damaged_log_is_refused_by_name(tmp_path):
    run = run_directory(tmp_path, log=LOG)
    (run.path / "train.csv").write_text("phase,step,name,value\np,x,loss,1\n")
    with pytest.raises(IntegrityError, match=r"train\.csv cannot be read.*seed0-0000"):
        draw_training([run], tmp_path / "t.png")
