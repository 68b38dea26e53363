"""A desk for each test, with a small sound cohort on it."""

import csv
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.helpers.desk import COLUMNS, Desk
from tests.helpers.toy_data import make

Lay = Callable[[Path], AbstractContextManager[Desk]]


@pytest.fixture(scope="session")
def stock(tmp_path_factory):
    """Five healthy cases and two with lesions, made once."""
    root = make(tmp_path_factory.mktemp("faults") / "stock", healthy=5, lesions=1)
    with (root / "cases.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        for image in sorted(root.glob("*_t2.nii.gz")):
            case = image.name.removesuffix("_t2.nii.gz")
            lesion = "" if case.startswith("h") else f"{case}_lesion.nii.gz"
            row = {"case_id": case, "t2": image.name, "brain_mask": f"{case}_brain.nii.gz"}
            writer.writerow(row | {"lesion_mask": lesion, "healthy": "no" if lesion else "yes"})
    return root


@pytest.fixture(scope="session")
def lay(stock) -> Lay:
    """lay(root) -> a desk with a copy of the cohort and an empty cache, and a working folder to be in."""

    @contextmanager
    def lay(root: Path) -> Iterator[Desk]:
        shutil.copytree(stock, root / "data")
        (root / "here").mkdir()
        log = logging.getLogger("uad_bench")
        handlers, level = log.handlers, log.level
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(root / "here")
            patch.setenv("UAD_BENCH_CACHE", str(root / "cache"))
            for name in ("UAD_BENCH_DATA", "UAD_BENCH_FOLLOW_LINKS"):
                patch.delenv(name, raising=False)
            yield Desk(root)
        log.handlers, log.level = handlers, level

    return lay


@pytest.fixture
def desk(lay, tmp_path):
    """A desk of one's own."""
    with lay(tmp_path / "desk") as one:
        yield one
