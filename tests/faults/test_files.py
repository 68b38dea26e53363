"""F01 to F09 and F35: files that are not what they say.

Met elsewhere: several faults in one report (F01, F02), tests/test_cli_data.py; F01 to F09 at the reader itself,
tests/data/test_volumes.py; F04 and F05 for archives, tests/data/test_archive.py.
"""

import gzip
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest


def with_header(path, **fields):
    """A file with some fields of its header changed, byte for byte, and its voxels as they were."""
    raw = gzip.decompress(path.read_bytes())
    header = nib.Nifti1Header(raw[:348], check=False)
    for field, value in fields.items():
        header[field] = value
    path.write_bytes(gzip.compress(header.binaryblock + raw[348:]))


def flip(path, position):
    raw = bytearray(path.read_bytes())
    raw[position] ^= 0x10
    path.write_bytes(raw)


@pytest.mark.parametrize("column", ["t2", "brain_mask", "lesion_mask"])
def test_f01_an_empty_file(desk, column):
    path = desk.file("a00", column)
    path.write_bytes(b"")
    desk.refuses("a00", "UB321", "the file is empty", path.name)


@pytest.mark.parametrize("column", ["t2", "brain_mask", "lesion_mask"])
def test_f02_a_compressed_file_cut_in_half(desk, column):
    path = desk.file("a00", column)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    desk.refuses("a00", "UB322", "truncated", path.name)


@pytest.mark.parametrize("column", ["t2", "lesion_mask"])
def test_f03_a_plain_file_cut(desk, column):
    path = desk.data / f"plain_{column}.nii"
    path.write_bytes(gzip.decompress(desk.file("a00", column).read_bytes())[:-1])
    desk.change("a00", **{column: path.name})
    desk.refuses("a00", "UB322", "truncated", path.name)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_f04_a_flipped_byte_inside_gzip(desk, place):
    path = desk.file("h01")
    flip(path, int(place * path.stat().st_size))
    desk.refuses("h01", "UB322", "damaged", path.name)


def test_f04_a_flipped_byte_in_what_was_prepared(desk):
    """The digest of prepared voxels is compared before a method sees them."""
    assert desk.prepare().code == 0
    flip(desk.entry("a00") / "image.npy", -1)
    stopped = desk.run()
    assert stopped.code == 5
    assert "error[UB506]: the cache entry was changed" in stopped.error
    assert not list(desk.runs.rglob("metrics.csv"))


def test_f05_a_web_page_under_the_name_of_a_scan(desk):
    desk.file("h01").write_text("<!DOCTYPE html><html><body>404 not found</body></html>")
    desk.refuses("h01", "UB323", "not a gzip file", "failed download", "h01_t2.nii.gz")


def test_f06_junk_behind_the_stream_is_told_and_changes_no_voxel(desk):
    desk.keep("h00", "h01")
    desk.prepare()
    before = desk.entries(), desk.prepared("h01")["image"]
    path = desk.file("h01")
    path.write_bytes(path.read_bytes() + b"<!-- served by a proxy -->")
    told = desk.prepare()
    assert told.code == 0
    assert "26 bytes follow the end of the gzip stream" in told.err
    assert (desk.entries(), np.array_equal(before[1], desk.prepared("h01")["image"])) == (before[0], True)
    told = desk.check()
    assert told.code == 0
    assert "1 warning: accepted with a remark" in told.out
    assert "h01_t2.nii.gz" in told.out


@pytest.mark.parametrize("dim", [[3, 0, 28, 20], [3, -24, 28, 20], [0, 24, 28, 20], [9, 24, 28, 20]])
def test_f08_dimensions_that_cannot_be(desk, dim):
    path = desk.file("h01")
    with_header(path, dim=[*dim, 1, 1, 1, 1])
    desk.refuses("h01", "UB324", "the header gives the shape", path.name)


MEASURED = """
import resource, sys, time
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
before, began = peak(), time.process_time()
code = check(odd)
print("MEASURED", code, peak() - before, time.process_time() - began)
"""


def claims_too_much(path):
    with_header(path, dim=[3, 32767, 32767, 32767, 1, 1, 1, 1])


def holds_a_bomb(path):
    """10 GB of zeros behind the voxels, 10 MB on disk."""
    zeros = gzip.compress(bytes(10_000_000))
    path.write_bytes(path.read_bytes() + 1000 * zeros)


@pytest.mark.parametrize(
    ("damage", "exit_code", "words"),
    [(claims_too_much, 3, "cannot hold more than"), (holds_a_bomb, 5, "goes on beyond the size")],
    ids=["f07", "f09"],
)
def test_f07_a_header_that_claims_32767_cubed_f09_a_bomb_cost_no_memory(desk, damage, exit_code, words):
    """Less than 200 MB and a second, against a sound case looked at before (R3); usually 1 MB and 10 ms."""
    for folder in ("sound", "odd"):
        desk.keep("h00")
        (desk.root / folder).mkdir()
        for name in ("cases.csv", "h00_t2.nii.gz", "h00_brain.nii.gz"):
            (desk.root / folder / name).write_bytes((desk.data / name).read_bytes())
    damage(desk.root / "odd" / "h00_t2.nii.gz")
    words_given = [sys.executable, "-c", MEASURED, desk.root / "sound", desk.root / "odd"]
    done = subprocess.run(words_given, capture_output=True, text=True, check=True)
    code, megabytes, seconds = map(float, done.stdout.split("MEASURED")[1].split())
    assert code == exit_code
    assert words in done.stdout
    assert megabytes < 200
    assert seconds < 1


def test_f07_f09_are_refused_by_every_verb(desk):
    claims_too_much(desk.file("h01"))
    desk.refuses("h01", "UB324", "truncated", "h01_t2.nii.gz")


def test_f09_a_bomb_must_not_be_trusted(desk):
    holds_a_bomb(desk.file("h01"))
    desk.refuses("h01", "UB501", "goes on beyond", "h01_t2.nii.gz", exit_code=5)


def test_f35_a_file_that_may_not_be_read(desk, monkeypatch):
    """The tests may run as root, who may read everything; so the refusal is played."""
    opened = Path.open

    def refuse(self, *args, **kwargs):
        if self.name == "h01_t2.nii.gz":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    desk.refuses("h01", "UB321", "Permission denied", "h01_t2.nii.gz")
