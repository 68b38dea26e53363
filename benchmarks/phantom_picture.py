"""Phantoms as pictures: those of the documentation, or beside real T2 slices (for viewing, not for the repository).

OMP_NUM_THREADS=1 python -m benchmarks.phantom_picture docs/images/phantom-v5.png
OMP_NUM_THREADS=1 python -m benchmarks.phantom_picture beside.png --data ../shared/data
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.phantom_facts import SCANS, prepared
from uad_datasets.phantom.generate import Recipe
from uad_datasets.phantom.montage import save_montage
from uad_datasets.phantom.subject import Phantom

#: Title, case, kind, spacing in mm.
COLUMNS = (
    ("healthy", "phantom-h003", "", 2),
    ("healthy, 1 mm", "phantom-h003", "", 1),
    ("ms", "phantom-ms-004", "ms", 2),
    ("ms", "phantom-ms-000", "ms", 2),
    ("tumour", "phantom-tumour-000", "tumour", 2),
    ("iso", "phantom-iso-000", "iso", 2),
    ("structural", "phantom-structural-000", "structural", 2),
)


def main() -> None:
    """Write one PNG."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, help="folder of the real samples, drawn first")
    given = parser.parse_args()
    columns = [(name, scan(given.data, name)) for name in SCANS] if given.data else []
    columns += [(title, Recipe(5, mm).make(case, kind)) for title, case, kind, mm in COLUMNS]
    save_montage(columns, given.out)


def scan(data: Path, name: str) -> Phantom:
    """A real scan as the picture takes it."""
    volume = prepared(data, "t2", *SCANS[name])
    return Phantom({"t2": np.maximum(volume.image, 0)}, volume.brain_mask, volume.lesion_mask)


if __name__ == "__main__":
    main()
