"""What several tests share: real scans where there are any, and small volumes made on the spot."""

import os
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest

from tests.helpers.run_figures import no_run_figures  # noqa: F401
from tests.helpers.toy_data import make
from uad_bench.cohort.discovery import Sources
from uad_bench.pipeline.run_job import Workplace
from uad_bench.types import Case

Write = Callable[..., Path]
RAS = np.eye(4)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real samples: $UAD_BENCH_SHARED/data, or ../shared/data beside the repository."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("UAD_BENCH_SHARED", beside)) / "data"
    if not folder.is_dir():
        pytest.skip("no real scans at hand: set UAD_BENCH_SHARED to the folder that contains data/")
    return folder


@pytest.fixture
def write_nifti(tmp_path: Path) -> Write:
    """write(name, array, affine) -> path of a new NIfTI file with both orientation codes set."""

    def write(name: str, array: npt.ArrayLike, affine: npt.ArrayLike = RAS) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(np.asarray(array), np.asarray(affine, dtype=np.float64)), path)
        return path

    return write


@pytest.fixture
def toy_case(write_nifti: Write) -> Callable[..., Case]:
    """toy(case_id, ...) -> a stripped ball of 20 mm radius at 1 mm, RAS+, with a lesion cube of 4 mm beside it."""

    def toy(case_id: str = "toy-1", lesion: bool = True, seed: int = 0, **changes: object) -> Case:
        x, y, z = np.indices((48, 52, 46))
        brain = (x - 24) ** 2 + (y - 26) ** 2 + (z - 22) ** 2 <= 400
        image = np.where(brain, np.random.default_rng(seed).uniform(50, 100, brain.shape), 0)
        mask = (abs(x - 33) <= 2) & (abs(y - 30) <= 2) & (abs(z - 20) <= 2)
        affine = np.eye(4)
        affine[:3, 3] = (-24, -26, -22)
        files = {
            "images": {"t2": write_nifti(f"{case_id}_t2.nii.gz", image.astype(np.float32), affine)},
            "lesion_mask": write_nifti(f"{case_id}_m.nii.gz", mask.astype(np.uint8), affine)
            if lesion
            else None,
        }
        return Case(
            **{"dataset": "toy", "case_id": case_id, "subject_id": case_id, "healthy": not lesion}
            | files
            | changes
        )

    return toy


@pytest.fixture(scope="session")
def toy_root(tmp_path_factory):
    return make(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def toy_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def place(tmp_path, toy_root, toy_cache):
    def make_place(**more):
        return Workplace(tmp_path / "runs", Sources(toy_cache, {"toy_data": toy_root}), threads=1, **more)

    return make_place
