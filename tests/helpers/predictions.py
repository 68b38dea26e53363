"""What tests of `predict` read."""

import nibabel as nib
import numpy as np

from tests.helpers.runs import METHODS

TRUST = ("--trust", f"{METHODS}:Blur")


def ids_of_test(run):
    """The test cases of a run."""
    return [row["case_id"] for row in run.table("splits.csv") if row["role"] == "test"]


def loaded(path):
    """The voxels of a file."""
    return np.asarray(nib.load(path).dataobj)
