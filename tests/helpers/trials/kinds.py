"""What one trial with a damaged input is, by the kind of input: it returns None, or what was wrong."""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from tests.helpers.trials.archives import packed
from tests.helpers.trials.nifti import nifti
from tests.helpers.trials.runs import run
from tests.helpers.trials.tables import table
from tests.helpers.trials.texts import yaml

KINDS = {"nifti": nifti, "yaml": yaml, "tables": table, "archives": packed, "runs": run}


def trial(kind, seed, stock, keep=None):
    """One damaged input of a kind, made from its seed alone: None, or what was wrong.

    keep: a folder to which the input of a fault is copied.
    """
    with tempfile.TemporaryDirectory(dir=stock.root, ignore_cleanup_errors=True) as folder:
        rng = np.random.default_rng([seed, sorted(KINDS).index(kind)])
        fault = KINDS[kind](rng, stock, Path(folder))
        if fault and keep:
            shutil.copytree(folder, Path(keep) / f"{kind}-{seed}", symlinks=True, dirs_exist_ok=True)
        return fault
