"""Registration of the built-in datasets by name; no dataset is imported here."""

from uad_bench.hookspecs import Register, hookimpl

#: name: (class below `uad_datasets`, one-line summary)
DATASETS = {
    "phantom": ("phantom:PhantomAdapter", "synthetic brains with exactly known lesions, no download"),
    "ixi": ("ixi:IxiAdapter", "IXI, healthy subjects: T1, T2, PD"),
    "brats21": ("brats21:Brats21Adapter", "BraTS 2021, glioma: T1, T1CE, T2, FLAIR"),
    "brats_gli": (
        "brats.gli:BratsGliAdapter",
        "BraTS GLI 2023 and 2024, glioma before and after treatment: T1, T1CE, T2, FLAIR",
    ),
    "brats_peds": ("brats.peds:BratsPedsAdapter", "BraTS-PEDs, glioma of children: T1, T1CE, T2, FLAIR"),
    "brats_mets": ("brats.mets:BratsMetsAdapter", "BraTS-METS, brain metastases: T1, T1CE, T2, FLAIR"),
    "mslub": ("mslub:MslubAdapter", "MSLUB, multiple sclerosis: T1, T1CE, T2, FLAIR"),
    "atlas_v2": ("atlas_v2:AtlasV2Adapter", "ATLAS v2.0, stroke: T1"),
    "wmh": ("wmh:WmhAdapter", "WMH 2017, white matter hyperintensities: T1, FLAIR"),
    "mslesseg": ("open_sets.mslesseg:MslessegAdapter", "MSLesSeg, multiple sclerosis: T1, T2, FLAIR"),
    "isles22": ("open_sets.isles22:Isles22Adapter", "ISLES 2022, acute stroke: FLAIR, DWI, ADC"),
    "fcd_bonn": (
        "open_sets.fcd_bonn:FcdBonnAdapter",
        "FCD-Bonn, focal cortical dysplasia and controls: T1, FLAIR",
    ),
    "qtab": ("open_sets.qtab:QtabAdapter", "QTAB, healthy twins of 8 to 16 years: T1, T2, FLAIR"),
    "lemon": ("open_sets.lemon:LemonAdapter", "LEMON, healthy adults: T1, T2, FLAIR"),
    "openneuro": (
        "open_sets.openneuro:OpenNeuroAdapter",
        "healthy people of OpenNeuro ds000228, ds003592, ds004856: T1, FLAIR",
    ),
    "processed": ("processed:ProcessedAdapter", "preprocessed scans shared by the authors of pDDPM"),
    "folder": ("folder:FolderAdapter", "your own scans, described by a CSV table or a BIDS tree"),
}


@hookimpl
def register_datasets(register: Register) -> None:
    """Register each dataset with its class and one line that describes it."""
    for name, (place, summary) in DATASETS.items():
        register(name, f"uad_datasets.{place}", summary)
