"""Trees of empty files, which are all that an adapter needs: it reads no voxels."""

import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from uad_bench import Case
from uad_bench.errors import DataError

Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """tree(*names) -> the folder `data` with these empty files in it, with those of earlier calls."""

    def plant(*names: str) -> Path:
        root = tmp_path / "data"
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        return root

    return plant


@pytest.fixture
def sort_out() -> Callable[..., tuple[list[Case], list[DataError]]]:
    """sort_out(adapter, root) -> the cases found, and the errors instead of cases."""

    def sorted_out(adapter, root):
        found = list(adapter.discover(root))
        faults = [item for item in found if isinstance(item, DataError)]
        assert all(fault.exit_code == 3 and "\n" not in str(fault) for fault in faults)
        return [item for item in found if isinstance(item, Case)], faults

    return sorted_out


@pytest.fixture
def write_xls() -> Callable[[Path, Sequence[Sequence[str | float]]], Path]:
    """write_xls(path, rows) -> a table in the oldest binary format of Excel, which readers of .xls know too."""

    def write(path, rows):
        records = [(0x0009, struct.pack("<2H", 7, 0x10)), (0x0042, struct.pack("<H", 1252))]
        for y, row in enumerate(rows):
            for x, cell in enumerate(row):
                at = struct.pack("<2H3x", y, x)
                text = cell.encode("cp1252") if isinstance(cell, str) else b""
                label = (0x0004, at + bytes([len(text)]) + text)
                records.append(label if isinstance(cell, str) else (0x0003, at + struct.pack("<d", cell)))
        path.write_bytes(b"".join(struct.pack("<2H", k, len(b)) + b for k, b in [*records, (0x000A, b"")]))
        return path

    return write


#: The files that `table` makes.
TABLE_FILES = ("c1/t2.nii.gz", "c1/lesion.nii.gz", "c1/brain.nii.gz", "h1/t2.nii.gz", "h1/flair.nii.gz")


@pytest.fixture
def table(tree):
    """table(text, name) -> the root, with that table in it and a few empty images."""

    def write(text, name="cases.csv", encoding="utf-8"):
        root = tree(*TABLE_FILES)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode(encoding))
        return root

    return write


@pytest.fixture
def nnunet(tree):
    """nnunet(*names, **content) -> a folder with empty images of these names and a dataset.json."""

    def make(*names, **content):
        root = tree("dataset.json", *(f"{name}.nii.gz" for name in names))
        told = {
            "channel_names": {"0": "T2"},
            "labels": {"background": 0, "lesion": 1},
            "file_ending": ".nii.gz",
        }
        (root / "dataset.json").write_text(json.dumps(told | content))
        return root

    return make
