"""Every adapter passes every conformance check, on a tree with its special cases."""

from pathlib import Path

import numpy as np
import pytest

from uad_bench.testing import promises
from uad_datasets.atlas_v2 import AtlasV2Adapter
from uad_datasets.brats21 import Brats21Adapter
from uad_datasets.folder import FolderAdapter
from uad_datasets.ixi import IxiAdapter
from uad_datasets.mslub import MslubAdapter
from uad_datasets.processed import ProcessedAdapter
from uad_datasets.wmh import WmhAdapter

STROKE = "ATLAS_2/Training/R001/sub-r001s001/ses-1/anat/sub-r001s001_ses-1_space-MNI152NLin2009aSym"
TREES = {
    IxiAdapter: ["IXI-T2/IXI012-HH-1211-T2", "t2/IXI002-Guys-0828-T2", "b/t2/IXI012-HH-1211-T2"],
    Brats21Adapter: [
        *("BraTS2021_00001/BraTS2021_00001_t2", "BraTS2021_00001/BraTS2021_00001_seg"),
        *(
            "BraTS-GLI-00002-000/BraTS-GLI-00002-000-t2w",
            "x/ValidationData/BraTS2021_00003/BraTS2021_00003_t2",
        ),
    ],
    MslubAdapter: ["patient01/T2W", "patient01/consensus_gt", "patient02/patient02_T2W"],
    AtlasV2Adapter: [
        f"{STROKE}_T1w",
        f"{STROKE}_label-L_desc-T1lesion_mask",
        f"{STROKE.replace('s001', 's002')}_T1w",
    ],
    WmhAdapter: [
        "test/Amsterdam/Philips_VU .PETMR_01./160/wmh",
        "test/Amsterdam/Philips_VU .PETMR_01./160/pre/FLAIR",
    ],
    ProcessedAdapter: ["Train/ixi/t2/IXI002-Guys-0828_t2", "Test/MSLUB/t2/patient01_t2"],
    FolderAdapter: ["b", "a"],
}
TABLE = "case_id,t2,healthy\nb,b.nii.gz,yes\na,a.nii.gz,yes\nc,gone.nii.gz,yes\n"


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """A tree of small valid volumes for each adapter."""
    import nibabel as nib

    made: dict[type, Path] = {}
    for cls, names in TREES.items():
        made[cls] = tmp_path_factory.mktemp("tree") / "data"
        for name in names:
            path = made[cls] / f"{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), np.eye(4)), path)
    (made[FolderAdapter] / "cases.csv").write_text(TABLE)
    return made


PROMISES = [promise.name for promise in promises("dataset", IxiAdapter, "any")]


@pytest.mark.parametrize("name", PROMISES)
@pytest.mark.parametrize("cls", TREES)
def test_the_promise_is_kept(roots, cls, name):
    (promise,) = [p for p in promises("dataset", cls, cls.name, roots[cls]) if p.name == name]
    promise()
