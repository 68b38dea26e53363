"""The names of the built-in datasets; their modules are not imported here."""

from uad_bench.hookspecs import Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    """Register each dataset with its class and one line that describes it."""
    register(
        "phantom",
        "uad_datasets.phantom:PhantomAdapter",
        "synthetic brains with exactly known lesions, no download",
    )
    register("ixi", "uad_datasets.ixi:IxiAdapter", "IXI, healthy subjects: T1, T2, PD")
    register("brats21", "uad_datasets.brats21:Brats21Adapter", "BraTS 2021, glioma: T1, T1CE, T2, FLAIR")
    register(
        "brats_gli",
        "uad_datasets.brats.gli:BratsGliAdapter",
        "BraTS GLI 2023 and 2024, glioma before and after treatment: T1, T1CE, T2, FLAIR",
    )
    register(
        "brats_peds",
        "uad_datasets.brats.peds:BratsPedsAdapter",
        "BraTS-PEDs, glioma of children: T1, T1CE, T2, FLAIR",
    )
    register(
        "brats_mets",
        "uad_datasets.brats.mets:BratsMetsAdapter",
        "BraTS-METS, brain metastases: T1, T1CE, T2, FLAIR",
    )
    register("mslub", "uad_datasets.mslub:MslubAdapter", "MSLUB, multiple sclerosis: T1, T1CE, T2, FLAIR")
    register("atlas_v2", "uad_datasets.atlas_v2:AtlasV2Adapter", "ATLAS v2.0, stroke: T1")
    register("wmh", "uad_datasets.wmh:WmhAdapter", "WMH 2017, white matter hyperintensities: T1, FLAIR")
    register(
        "mslesseg",
        "uad_datasets.open_sets.mslesseg:MslessegAdapter",
        "MSLesSeg, multiple sclerosis: T1, T2, FLAIR",
    )
    register(
        "isles22",
        "uad_datasets.open_sets.isles22:Isles22Adapter",
        "ISLES 2022, acute stroke: FLAIR, DWI, ADC",
    )
    register(
        "fcd_bonn",
        "uad_datasets.open_sets.fcd_bonn:FcdBonnAdapter",
        "FCD-Bonn, focal cortical dysplasia and controls: T1, FLAIR",
    )
    register(
        "qtab",
        "uad_datasets.open_sets.qtab:QtabAdapter",
        "QTAB, healthy twins of 8 to 16 years: T1, T2, FLAIR",
    )
    register("lemon", "uad_datasets.open_sets.lemon:LemonAdapter", "LEMON, healthy adults: T1, T2, FLAIR")
    register(
        "openneuro",
        "uad_datasets.open_sets.openneuro:OpenNeuroAdapter",
        "healthy people of OpenNeuro ds000228, ds003592, ds004856: T1, FLAIR",
    )
    register(
        "processed",
        "uad_datasets.processed:ProcessedAdapter",
        "preprocessed scans shared by the authors of pDDPM",
    )
    register(
        "folder",
        "uad_datasets.folder:FolderAdapter",
        "your own scans, described by a CSV table or a BIDS tree",
    )
