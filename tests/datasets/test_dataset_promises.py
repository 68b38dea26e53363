"""Every adapter passes every conformance check, on a tree with its special cases."""

from pathlib import Path

import numpy as np
import pytest

from uad_bench.testing import promises
from uad_datasets.atlas_v2 import AtlasV2Adapter
from uad_datasets.brats.gli import BratsGliAdapter
from uad_datasets.brats.mets import BratsMetsAdapter
from uad_datasets.brats.peds import BratsPedsAdapter
from uad_datasets.brats21 import Brats21Adapter
from uad_datasets.folder import FolderAdapter
from uad_datasets.ixi import IxiAdapter
from uad_datasets.mslub import MslubAdapter
from uad_datasets.open_sets.fcd_bonn import FcdBonnAdapter
from uad_datasets.open_sets.isles22 import Isles22Adapter
from uad_datasets.open_sets.lemon import LemonAdapter
from uad_datasets.open_sets.mslesseg import MslessegAdapter
from uad_datasets.open_sets.openneuro import OpenNeuroAdapter
from uad_datasets.open_sets.qtab import QtabAdapter
from uad_datasets.processed import ProcessedAdapter
from uad_datasets.wmh import WmhAdapter

STROKE = "ATLAS_2/Training/R001/sub-r001s001/ses-1/anat/sub-r001s001_ses-1_space-MNI152NLin2009aSym"
ISLES = "rawdata/sub-strokecase0001/ses-0001"
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
    BratsGliAdapter: [
        *("BraTS-GLI-00005-100/BraTS-GLI-00005-100-t2w", "BraTS-GLI-00005-100/BraTS-GLI-00005-100-seg"),
        *("BraTS-GLI-00002-000/BraTS-GLI-00002-000-t2w", "BraTS-PED-00002-000/BraTS-PED-00002-000-t2w"),
    ],
    BratsPedsAdapter: [
        *("x/BraTS-PED-00001-000/BraTS-PED-00001-000-t2w", "x/BraTS-PED-00001-000/BraTS-PED-00001-000-seg"),
        "BraTS-PEDs2024_Training/BraTS-PED-00002-000/BraTS-PED-00002-000-t2w",
    ],
    BratsMetsAdapter: ["UCSD - Training/BraTS-MET-00001-001/BraTS-MET-00001-001-t2w"],
    MslessegAdapter: ["train/P18/T2/P18_T2_T1", "train/P18/T2/P18_T2_MASK", "test/P54/P54_T1"],
    Isles22Adapter: [
        *(f"{ISLES}/sub-strokecase0001_ses-0001_{what}" for what in ("flair", "dwi", "msk")),
        f"{STROKE}_T1w",
    ],
    FcdBonnAdapter: ["sub-00002/anat/sub-00002_T1w", "sub-00001/anat/sub-00001_acq-T2sel_FLAIR"],
    QtabAdapter: ["sub-0002/ses-01/anat/sub-0002_ses-01_T2w", "sub-0001/ses-01/anat/sub-0001_ses-01_UNIT1"],
    OpenNeuroAdapter: ["sub-02/ses-1/anat/sub-02_ses-1_T1w", "sub-01/ses-1/anat/sub-01_ses-1_FLAIR"],
    LemonAdapter: ["sub-010005/ses-01/anat/sub-010005_ses-01_T2w"],
}
PEOPLE = {
    FcdBonnAdapter: "participant_id\tgroup\nsub-00001\tfcd\nsub-00002\thc\n",
    QtabAdapter: "participant_id\tfamily_id\nsub-0001\t7\nsub-0002\tn/a\n",
    LemonAdapter: "participant_id\tgender\nsub-010005\tM\n",
}
TABLE = "case_id,t2,healthy\nb,b.nii.gz,yes\na,a.nii.gz,yes\nc,gone.nii.gz,yes\n"


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """A tree of small valid volumes for each adapter."""
    import nibabel as nib

    made: dict[type, Path] = {}
    for cls, names in TREES.items():
        made[cls] = tmp_path_factory.mktemp("tree") / "ds003592"  # the name tells dataset openneuro its set
        for name in names:
            path = made[cls] / f"{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), np.eye(4)), path)
    (made[FolderAdapter] / "cases.csv").write_text(TABLE)
    for cls, people in PEOPLE.items():
        (made[cls] / "participants.tsv").write_text(people)
    return made


PROMISES = [promise.name for promise in promises("dataset", IxiAdapter, "any")]


@pytest.mark.parametrize("name", PROMISES)
@pytest.mark.parametrize("cls", TREES)
def test_the_promise_is_kept(roots, cls, name):
    (promise,) = [p for p in promises("dataset", cls, cls.name, roots[cls]) if p.name == name]
    promise()
