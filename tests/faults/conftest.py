"""A workspace for each test, with a small intact cohort."""

import csv
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.helpers.toy_data import make
from tests.helpers.workspace import COLUMNS, Workspace, own_environment

MakeWorkspace = Callable[[Path], AbstractContextManager[Workspace]]


@pytest.fixture(scope="session")
def cohort_files(tmp_path_factory):
    """The files of five healthy cases and two with lesions, made once."""
    root = make(tmp_path_factory.mktemp("faults") / "cohort_files", healthy=5, lesions=1)
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
def make_workspace(cohort_files) -> MakeWorkspace:
    """make_workspace(root) -> a workspace with a copy of the cohort, an empty cache and a working folder."""

    @contextmanager
    def make_workspace(root: Path) -> Iterator[Workspace]:
        shutil.copytree(cohort_files, root / "data")
        with own_environment(root):
            yield Workspace(root)

    return make_workspace


@pytest.fixture
def workspace(make_workspace, tmp_path):
    """A workspace for one test."""
    with make_workspace(tmp_path / "workspace") as one:
        yield one
