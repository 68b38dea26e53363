"""The rehearsal: the datasets read its trees, its tables say how a cost grows, a full disk refuses it."""

import json
import os
import runpy
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from benchmarks.rehearsal import layouts, measure, rehearse
from benchmarks.rehearsal.content import subject
from benchmarks.rehearsal.layouts import LAYOUTS
from benchmarks.rehearsal.measure import Cost, measured
from benchmarks.rehearsal.report import Measured, faults, growth, table
from benchmarks.rehearsal.stages import Size, stages
from benchmarks.rehearsal.trees import coarsened, write_tree
from uad_bench.cohort.discovery import Sources, require_cases
from uad_bench.data.nifti.read import read_grid

SCRIPT = Path(__file__).parents[1] / "scripts" / "rehearsal"


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """The smallest trees, with an eighth of the voxels along each axis."""
    root = tmp_path_factory.mktemp("trees")
    for layout in LAYOUTS.values():
        write_tree(root / layout.name, layout, Fraction(1, 2000), 1, coarser=8)
    return root


def test_the_datasets_read_every_subject_with_all_its_files(trees):
    sources = Sources(trees / "cache", {name: trees / name for name in LAYOUTS})
    found = {name: require_cases(name, {}, sources) for name in LAYOUTS}
    assert {name: len(cases) for name, cases in found.items()} == {"ixi": 5, "brats21": 3, "mslub": 4}
    assert {tuple(case.images) for case in found["brats21"]} == {("t1", "t1ce", "t2", "flair")}
    assert {tuple(case.images) for case in found["mslub"]} == {("t1", "t1ce", "t2", "flair")}
    assert all(case.brain_mask and case.lesion_mask for case in found["mslub"])
    assert all(case.healthy and case.site and case.sex for case in found["ixi"])
    grid = read_grid(found["brats21"][0].images["t2"], "a case")
    assert (grid.shape, grid.axes, grid.spacing) == ((30, 30, 19), "LPS", (8, 8, 8))


def test_names_and_grids_are_those_of_the_datasets():
    assert LAYOUTS["ixi"].files(0)[0].path == "IXI-T2/IXI002-Guys-0500-T2.nii.gz"
    folder = "RSNA_ASNR_MICCAI_BraTS2021_TrainingData_16July2021/BraTS2021_00012"
    assert [one.path for one in LAYOUTS["brats21"].files(12)] == [
        f"{folder}/BraTS2021_00012_{word}.nii.gz" for word in ("t1", "t1ce", "t2", "flair", "seg")
    ]
    full = {name: (one.count(Fraction(1)), one.shape) for name, one in LAYOUTS.items()}
    assert full == {
        "ixi": (577, (256, 256, 130)),
        "brats21": (1251, (240, 240, 155)),
        "mslub": (30, (192, 512, 512)),
    }
    assert {name: one.count(Fraction(1, 16)) for name, one in LAYOUTS.items()} == {
        "ixi": 37,
        "brats21": 79,
        "mslub": 4,
    }
    sites = Counter(LAYOUTS["ixi"].files(n)[0].path.split("-")[2] for n in range(577))
    assert set(sites) == {"Guys", "HH", "IOP"} and sites["Guys"] > sites["HH"] > sites["IOP"] > 50


def test_no_two_subjects_and_no_two_files_are_equal(trees):
    files = [path for path in trees.rglob("*.nii.gz") if not path.name.endswith(("seg.nii.gz", "gt.nii.gz"))]
    images = [np.asarray(nib.load(path).dataobj) for path in files]
    assert len({one.tobytes() for one in images}) == len(files)
    layout = coarsened(LAYOUTS["brats21"], 8)
    first, second = (dict(subject(layout, n, 1).native(layout)) for n in (0, 1))
    (one, other) = (next(iter(some.values())).ravel() for some in (first, second))
    assert np.corrcoef(one, other)[0, 1] < 0.99
    again = dict(subject(layout, 0, 1).native(layout))
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_labels_of_tumours_are_those_of_brats(trees):
    (file, *_) = sorted(trees.rglob("*_seg.nii.gz"))
    assert set(np.unique(np.asarray(nib.load(file).dataobj))) == {0, 1, 2, 4}


def cost(cpu, mib=100.0):
    return Cost(cpu, 0, mib, 0)


def test_the_exponent_of_growth_is_told_and_judged():
    small, large = (
        Measured("check", Fraction(1, 64), 10, cost(2)),
        Measured("check", Fraction(1, 16), 40, cost(32)),
    )
    assert growth(small, large) == pytest.approx(2)
    assert "| check | 1/16 | 40 | 32.0 | 0 | 100 | 0 | n^2.00 |" in table([large, small]).splitlines()
    assert faults([large, small]) == ["check grows as n^2.00 up to 1/16, the limit is n^1.1"]
    assert faults([small, Measured("check", Fraction(1, 16), 40, cost(8))]) == []
    assert growth(small, Measured("check", Fraction(1, 16), 10, cost(8))) is None


def test_memory_is_judged_where_it_is_limited():
    found = [Measured(stage, Fraction(1, 16), 40, cost(1, 3000)) for stage in ("evaluate", "run")]
    assert faults(found) == ["evaluate takes 3000 MiB at 1/16, the limit is 2048 MiB"]


def test_the_largest_process_of_a_command_is_measured(tmp_path):
    """In a process of its own: the memory of the tests would count."""
    (tmp_path / "grows").mkdir()
    inner = f"open({str(tmp_path / 'grows' / 'f')!r}, 'wb').write(b'x' * (300 << 20))"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    script = (
        "import os, sys, pathlib, dataclasses, json\n"
        "from benchmarks.rehearsal.measure import measured\n"
        f"log, grows = pathlib.Path({str(tmp_path / 'log.txt')!r}), pathlib.Path({str(tmp_path / 'grows')!r})\n"
        f"cost = measured([sys.executable, '-c', {code!r}], os.environ, log, grows)\n"
        "print(json.dumps(dataclasses.asdict(cost)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=SCRIPT.parents[1], capture_output=True, text=True, check=True
    )
    found = Cost(**json.loads(done.stdout))
    assert 300 < found.peak_mib < 600 and found.disk_mib == pytest.approx(300, abs=2) and found.cpu_s > 0


def test_a_command_that_fails_is_told_with_its_last_lines(tmp_path):
    code = "import sys; print('why'); sys.exit(3)"
    with pytest.raises(RuntimeError, match=r"exit code 3: (?s:.*)why"):
        measured([sys.executable, "-c", code], os.environ, tmp_path / "log.txt", tmp_path)


def test_a_full_disk_is_refused_before_anything_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measure, "free_mib", lambda folder: 1000.0)
    monkeypatch.setattr(sys, "argv", ["rehearsal", "--sizes", "1/16,1", "--folder", str(tmp_path)])
    assert runpy.run_path(str(SCRIPT))["main"]() == 6
    said = capsys.readouterr().err
    assert "GiB, 1.0 GiB are free" in said and "name another --folder" in said
    assert list(tmp_path.iterdir()) == []


def test_what_is_needed_grows_with_the_size():
    small, large = (rehearse.needed_mib(Size(Fraction(1, n))) for n in (64, 16))
    assert 2 < large / small < 5
    assert rehearse.needed_mib(Size(Fraction(1, 64), coarser=4)) < small


def test_every_stage_is_a_command(tmp_path):
    verbs = [
        stage.words[3] for stage in stages(tmp_path, Size(Fraction(1, 64))) if stage.words[2] == "uad_bench"
    ]
    expected = ["data"] * 3 + ["audit"] + ["prepare"] * 3 + ["run", "run", "audit", "evaluate", "leaderboard"]
    assert verbs == expected
    assert layouts.LAYOUTS.keys() == {"ixi", "brats21", "mslub"}


@pytest.mark.parametrize(
    "words",
    [
        ("--sizes", "abc"),
        ("--sizes", "1/0"),
        ("--sizes", "2"),
        ("--coarser", "0"),
        ("--folder", "/does/not/exist"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error_in_one_line(words):
    done = subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("rehearsal: error: ")


@pytest.mark.slow
def test_the_whole_rehearsal_at_its_smallest_size(tmp_path):
    command = [
        sys.executable,
        SCRIPT,
        "--sizes",
        "1/512",
        "--coarser",
        "4",
        "--phantoms",
        "1",
        "--folder",
        tmp_path,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [
        line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ") and "1/512" in line
    ]
    assert len(rows) == 13 and all(float(row[3]) > 0 and float(row[5]) > 10 for row in rows)
    assert list(tmp_path.iterdir()) == []
