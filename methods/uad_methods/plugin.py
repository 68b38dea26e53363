"""Registration of the built-in methods by name; no method is imported here."""

from uad_bench.hookspecs import Register, hookimpl

#: name: (class below `uad_methods`, one-line summary)
METHODS = {
    "random": ("nulls:Random", "uninformative control: uniform noise"),
    "all-brain": ("nulls:AllBrain", "uninformative control: 1 in every brain voxel"),
    "atlas-z": ("atlas_z:AtlasZ", "control: voxel-wise z-score relative to the healthy training scans"),
    "thresh": ("thresh:Thresh", "intensity after histogram equalisation; nothing is trained"),
    "ae": ("ae:AE", "dense autoencoder; reconstruction error"),
    "vae": ("vae:VAE", "variational autoencoder; reconstruction error"),
    "svae": ("svae:SVAE", "VAE with a sequence model over slices; re-implementation from the abstract"),
    "dae": ("dae:DAE", "denoising U-Net, trained with coarse noise; residual"),
    "fae": ("fae:FAE", "autoencoder of frozen ResNet features; structural dissimilarity"),
    "patchcore": ("patchcore:PatchCore", "distance of patch features to a coreset of healthy ones"),
    "rd4ad": ("rd4ad:RD4AD", "student that rebuilds a teacher's features from an embedding; their cosine"),
    "riad": ("riad:RIAD", "hidden squares are inpainted; difference of gradient magnitudes"),
    "feature-memory": (
        "feature_memory:FeatureMemory",
        "distance to features of healthy slices, anywhere or at the same place",
    ),
    "uniad": ("uniad:UniAD", "transformer with neighbour-masked attention rebuilds frozen features; error"),
    "fanogan": ("fanogan:FAnoGAN", "GAN of healthy slices with an encoder; reconstruction error"),
    "ra": ("ra:RA", "soft-introspective VAE; residual and perceptual (LPIPS) difference maps"),
    "phanes": ("phanes:PHANES", "regions that RA flags are inpainted; difference from the inpainted slice"),
    "ddpm": ("ddpm:DDPM", "diffusion model; difference from the restored slice"),
    "pddpm": ("pddpm:PDDPM", "patched diffusion model: one patch is restored at a time"),
    "cddpm": ("cddpm:CDDPM", "diffusion model conditioned on an encoder embedding of the input slice"),
    "andi": ("andi:ANDi", "diffusion model; one denoising step from each of many noise levels"),
    "disyre": ("disyre:DISYRE", "network that removes synthetic anomalies, with shapes of our own; residual"),
    "itermask": ("itermask:IterMask", "iterative inpainting of a shrinking mask; squared error"),
    "patch2loc": (
        "patch2loc:Patch2Loc",
        "patch location predicted by a network; error and predicted variance",
    ),
}


@hookimpl
def register_methods(register: Register) -> None:
    """Register name, import path and one-line summary of each method."""
    for name, (target, summary) in METHODS.items():
        register(name, f"uad_methods.{target}", summary)
