"""The built-in methods by name; nothing of them is imported here."""

from uad_bench.hookspecs import Register, hookimpl


@hookimpl
def register_methods(register: Register) -> None:
    """Names, where the classes are, and one line each."""
    register("random", "uad_methods.nulls:Random", "uniform noise: what no idea at all gets")
    register("all-brain", "uad_methods.nulls:AllBrain", "every brain voxel alike: its Dice is the floor")
    register("atlas-z", "uad_methods.atlas_z:AtlasZ", "distance from the healthy mean, voxel by voxel")
    register("thresh", "uad_methods.thresh:Thresh", "the intensity itself, equalised; nothing is learnt")
    register("ae", "uad_methods.ae:AE", "dense autoencoder, residual of its reconstruction")
    register("vae", "uad_methods.vae:VAE", "variational autoencoder, residual of its reconstruction")
    register(
        "svae", "uad_methods.svae:SVAE", "VAE along the slices of a volume; re-implementation from abstract"
    )
    register("dae", "uad_methods.dae:DAE", "U-Net that removes coarse noise, and with it what is not healthy")
    register("fae", "uad_methods.fae:FAE", "autoencoder of a frozen ResNet's features, structural similarity")
    register("fanogan", "uad_methods.fanogan:FAnoGAN", "nearest healthy slice of a GAN, found by an encoder")
    register("ra", "uad_methods.ra:RA", "soft introspective VAE that restores, perceptual differences")
    register("phanes", "uad_methods.phanes:PHANES", "places that RA suspects, painted anew by a generator")
    register("ddpm", "uad_methods.ddpm:DDPM", "a U-Net restores a slice that was noised until lesions drown")
    register("pddpm", "uad_methods.pddpm:PDDPM", "as ddpm, a patch at a time, from the clean rest around it")
    register("cddpm", "uad_methods.cddpm:CDDPM", "as ddpm, told by an encoder what the scan looks like")
    register("patch2loc", "uad_methods.patch2loc:Patch2Loc", "patches whose place a network cannot tell")
