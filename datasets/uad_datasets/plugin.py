"""The built-in datasets by name; nothing of them is imported here."""

from uad_bench.hookspecs import Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    """Names, where the classes are, and one line each."""
    register("phantom", "uad_datasets.phantom:PhantomAdapter", "synthetic cohort with exactly known lesions")
    register("ixi", "uad_datasets.ixi:IxiAdapter", "IXI, healthy subjects: T1, T2, PD")
    register("brats21", "uad_datasets.brats21:Brats21Adapter", "BraTS 2021, glioma: T1, T1CE, T2, FLAIR")
    register("mslub", "uad_datasets.mslub:MslubAdapter", "MSLUB, multiple sclerosis: T1, T1CE, T2, FLAIR")
