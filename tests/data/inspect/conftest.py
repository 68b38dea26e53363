"""Small cases whose files can be damaged."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers.inspected_cases import SHAPE, ball
from uad_bench.data.nifti import validation
from uad_bench.types import Case

IDENTITY = np.eye(4)


@pytest.fixture(autouse=True)
def small_brains(monkeypatch):
    """A ball of 1.4 ml counts as a brain, so that voxels may have 1 mm."""
    monkeypatch.setattr(validation, "BRAIN_ML", (0.0, 2500.0))


@pytest.fixture
def make(write_nifti):
    """make(case_id, image=..., lesion=..., brain=...) -> a case with a lesion; None leaves a mask out."""

    def make(case_id="a1", seed=0, affine=IDENTITY, **given):
        values = np.random.default_rng([seed, len(case_id), *case_id.encode()]).uniform(50, 100, SHAPE)
        arrays = {
            "image": values * ball(),
            "lesion": ball(2).astype(np.uint8),
            "brain": ball().astype(np.uint8),
        }
        arrays |= {key: given.pop(key) for key in arrays if key in given}
        arrays["image"] = np.asarray(arrays["image"], dtype=np.float32)
        files = {
            key: write_nifti(f"{case_id}_{key}.nii.gz", array, affine)
            for key, array in arrays.items()
            if array is not None
        }
        case = Case("toy", case_id, case_id, {"t2": files["image"]}, healthy=False,
                    lesion_mask=files.get("lesion"), brain_mask=files.get("brain"))  # fmt: skip
        return replace(case, **given)

    return make
