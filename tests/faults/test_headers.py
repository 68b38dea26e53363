"""F07 to F09, and faults found by R3: headers that declare too much, streams that do not end.

Tested elsewhere: all three in the reader, tests/data/nifti/test_header_checks.py.
"""

import gzip
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.damage import contains_a_bomb, declares_too_much, with_header
from uad_bench.data.nifti import header_checks
from uad_bench.data.nifti.read import read_any

MEASURED = """
import resource, sys
from uad_bench import cli

def check(folder):
    sys.argv = ["uad-bench", "data", "check", "folder", "--data", f"folder={folder}", "--workers", "1"]
    try:
        cli.main()
    except SystemExit as left:
        return left.code

peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
sound, odd = sys.argv[1:]
check(sound)
before = peak()
code = check(odd)
print("MEASURED", code, peak() - before)
"""


@pytest.mark.parametrize("dim", [[3, 0, 28, 20], [3, -24, 28, 20], [0, 24, 28, 20], [9, 24, 28, 20]])
def test_f08_dimensions_that_cannot_be(workspace, dim):
    path = workspace.file("h01")
    with_header(path, dim=[*dim, 1, 1, 1, 1])
    workspace.refuses("h01", "UB324", "the header gives the shape", path.name)


@pytest.mark.parametrize(
    ("damage", "exit_code", "words"),
    [(declares_too_much, 3, "cannot contain more than"), (contains_a_bomb, 5, "longer than its header")],
    ids=["f07", "f09"],
)
def test_f07_a_header_of_32767_cubed_and_f09_a_bomb_use_no_memory(workspace, damage, exit_code, words):
    """Less than 200 MB more than for an intact case (R3); usually 20 MB."""
    for folder in ("sound", "odd"):
        workspace.keep("h00")
        (workspace.root / folder).mkdir()
        for name in ("cases.csv", "h00_t2.nii.gz", "h00_brain.nii.gz"):
            (workspace.root / folder / name).write_bytes((workspace.data / name).read_bytes())
    damage(workspace.root / "odd" / "h00_t2.nii.gz")
    words_given = [sys.executable, "-c", MEASURED, workspace.root / "sound", workspace.root / "odd"]
    done = subprocess.run(words_given, capture_output=True, text=True, check=True)
    code, megabytes = map(float, done.stdout.split("MEASURED")[1].split())
    assert code == exit_code
    assert words in done.stdout
    assert megabytes < 200


def test_f07_f09_are_refused_by_every_verb(workspace):
    declares_too_much(workspace.file("h01"))
    workspace.refuses("h01", "UB324", "truncated", "h01_t2.nii.gz")


def test_f09_a_bomb_must_not_be_trusted(workspace):
    contains_a_bomb(workspace.file("h01"))
    workspace.refuses("h01", "UB501", "longer than its header", "h01_t2.nii.gz", exit_code=5)


def test_f09_very_many_gzip_members_are_read_without_a_copy_of_the_file_for_each(tmp_path, monkeypatch):
    """zlib copies its unused input: 200,000 empty members took 13 s when each was given the rest of the file."""
    path, given, piece = tmp_path / "v.nii.gz", [], header_checks._piece
    path.write_bytes(gzip.compress(nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)).to_bytes()))
    path.write_bytes(path.read_bytes() + gzip.compress(b"") * 5000)
    monkeypatch.setattr(header_checks, "_piece", lambda *a: given.append(len(a[1])) or piece(*a))
    assert read_any(path, "case-1").array.shape == (4, 4, 4)
    assert len(given) == 5001
    assert max(given) <= header_checks.INPUT < path.stat().st_size / 5


BEYOND_REPAIR = {
    "a type that no format has": ({"datatype": 260}, "UB323"),
    "a format of the future": ({"magic": b"n+9"}, "UB323"),
    "a scale that is none": ({"scl_slope": 2, "scl_inter": np.inf}, "UB322"),
    "sizes in another order of bytes": ({"dim": [768, 24, 28, 20, 1, 1, 1, 1]}, "UB324"),
}


@pytest.mark.parametrize("name", BEYOND_REPAIR)
def test_r3_headers_that_the_library_below_stumbles_over(workspace, name):
    fields, code = BEYOND_REPAIR[name]
    with_header(workspace.file("h01"), **fields)
    workspace.refuses("h01", code, "h01_t2.nii.gz")


def test_r3_a_broken_header_extension_costs_no_scan(workspace):
    path = workspace.file("h01")
    before = read_any(path, "h01").array
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[348] = 1  # there are extensions, it says, where the voxels begin
    path.write_bytes(gzip.compress(raw))
    np.testing.assert_array_equal(read_any(path, "h01").array, before)
