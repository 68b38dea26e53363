"""What a method cannot reach by accident, and what the core must not know."""

import re
from pathlib import Path

import numpy as np

from uad_bench import plugins
from uad_bench.prepare.cache.prepared_case import prepare_case

CORE = Path(__file__).parent.parent / "uad_bench"
STEPS = [{"step": "canonical"}, {"step": "brain_mask"}, {"step": "scale", "percentiles": [1, 99]}]


def test_f65_a_scan_leads_to_no_file(toy_case, tmp_path):
    scan = prepare_case(toy_case(), ["t2"], STEPS, tmp_path).scan()
    for array in (scan.image, scan.brain_mask, scan.affine):
        base = array
        while base is not None:
            assert not isinstance(base, np.memmap) and not hasattr(base, "filename")
            base = getattr(base, "base", None)
    assert not [v for v in vars(scan).values() if isinstance(v, Path)]


def test_no_file_of_the_core_names_a_guest():
    entries = plugins.catalogue().entries.values()
    words = {"random", "folder", "processed"}  # which mean something by themselves
    guests = {e.name for e in entries if e.kind != "metric"} - words
    found = [
        f"{path.relative_to(CORE)}: {guest}"
        for path in CORE.rglob("*.py")
        for guest in guests
        if re.search(rf"(?i)(?<![\w-]){re.escape(guest)}(?![\w-])", path.read_text())
    ]
    assert not found
