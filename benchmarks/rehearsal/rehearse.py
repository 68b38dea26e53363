"""Carry out the rehearsal at one size after the other, in a folder that is removed at the end."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

from benchmarks.rehearsal import measure, stages
from benchmarks.rehearsal.layouts import LAYOUTS
from benchmarks.rehearsal.report import Measured
from benchmarks.rehearsal.stages import METHODS, SEEDS, Size

#: MiB of a case, measured at 2 mm: in the cache (before and after the histogram), and a stored map of a run.
PREPARED_MIB, MAP_MIB = 7.0, 0.7
#: MiB of a run besides its maps.
RUN_MIB = 60


def needed_mib(size: Size) -> float:
    """Disk space of a rehearsal, MiB, a fifth more than was measured."""
    counts = size.subjects
    trees = sum(LAYOUTS[name].mib * count for name, count in counts.items()) / size.coarser**2
    runs = len(METHODS) * SEEDS * (MAP_MIB * sum(counts.values()) + RUN_MIB)
    return 1.2 * (trees + PREPARED_MIB * sum(counts.values()) + runs)


def refusal(folder: Path, sizes: Sequence[Size]) -> str:
    """Why the disk is too small, "" where it is not."""
    needed, free = max(map(needed_mib, sizes)), measure.free_mib(folder)
    if needed <= free:
        return ""
    what = f"the rehearsal needs {needed / 1024:.1f} GiB, {free / 1024:.1f} GiB are free"
    return f"{what} ({folder}): name another --folder, or smaller --sizes"


def rehearse(folder: Path, size: Size, *, runs: bool = True) -> Iterator[Measured]:
    """The stages of one size, each as soon as it has ended; without `runs` those up to the preparation.

    Raises RuntimeError for a command that fails.
    """
    with _work_folder(folder) as work:
        every = stages.stages(work, size)
        for stage in every if runs else takewhile(lambda one: one.name != "run", every):
            print(f"{size.share}: {stage.name}", file=sys.stderr, flush=True)
            grows = work / stage.grows
            cost = measure.measured(stage.words, stages.environment(work), work / "log.txt", grows)
            yield Measured(stage.name, size.share, stage.n, cost)


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """A new folder below another, removed at the end, also after an error."""
    work = Path(tempfile.mkdtemp(dir=folder, prefix="rehearsal-"))
    try:
        yield work
    finally:
        shutil.rmtree(work)
