"""The number of weights of every network, as in the published code with the published settings."""

import pytest
import torch

from tests.helpers.networks import weight_count
from uad_bench import plugins
from uad_bench.pipeline.matrix import Matrix
from uad_bench.pipeline.model import build
from uad_methods.fae import FAE
from uad_methods.parts.networks.aot import Critic
from uad_methods.parts.networks.unet import UNet
from uad_methods.parts.training.masked_pretraining import HierarchicalDecoder

ANODDPM = {"widths": (128, 128, 256, 256, 512, 512), "blocks": 2, "attention": (3, 4, 5)}
#: Method, parameters, shape of the volumes, name of the network within the method's, number of weights.
COUNTS = [
    ("patch2loc", {}, (192, 192, 100), "", 11_848_068),
    ("ddpm", {}, (96, 96, 50), "", 34_493_313),
    ("ddpm", ANODDPM, (256, 256, 50), "", 131_649_793),
    ("pddpm", {}, (96, 96, 50), "", 37_513_857),
    ("andi", {}, (224, 224, 155), "", 7_537_025),
    ("disyre", {}, (224, 224, 155), "", 39_252_353),
    ("itermask", {}, (224, 224, 155), "first", 6_748_481),
    ("itermask", {}, (224, 224, 155), "masked", 6_748_769),
    ("cddpm", {}, (96, 96, 50), "encoder", 24_550_848),
    ("cddpm", {}, (96, 96, 50), "denoiser", 44_068_481),
    ("ae", {}, (128, 128, 50), "", 1_627_249),
    ("vae", {}, (128, 128, 50), "", 1_758_449),
    ("svae", {}, (96, 96, 50), "", 1_526_794),
    ("fanogan", {}, (64, 64, 50), "generator", 8_539_329),
    ("fanogan", {}, (64, 64, 50), "critic", 7_490_689),
    ("fanogan", {}, (64, 64, 50), "encoder", 8_531_200),
    ("ra", {"likeness": "none"}, (128, 128, 50), "", 29_430_785),
    ("phanes", {"likeness": "ssim", "train_cut": 0}, (128, 128, 50), "generator", 15_193_409),
]


def network(name, parameters, shape):
    """The network of a method with one modality, without memory for its weights."""
    method = plugins.load(plugins.resolve("method", name))(**parameters)
    method.channels_, method.shape_ = 1, shape
    with torch.device("meta"):
        return method.build()


@pytest.mark.parametrize(("name", "parameters", "shape", "part", "weights"), COUNTS)
def test_a_network_has_the_published_number_of_weights(name, parameters, shape, part, weights):
    whole = network(name, parameters, shape)
    assert weight_count(whole.get_submodule(part)) == weights


def test_the_other_networks_have_the_published_numbers_of_weights():
    with torch.device("meta"):
        assert weight_count(UNet(4)) == 7_703_748  # of dae, with the four modalities of its paper
        decoder, critic = HierarchicalDecoder(1), Critic(1)
    assert weight_count(decoder.grow) + weight_count(decoder.out) == 10_304_913
    assert weight_count(critic) == 2_761_729
    fae = FAE(extractor="random")
    fae.channels_ = 1
    assert weight_count(fae.build().autoencoder) == 10_285_048


@pytest.mark.parametrize("protocol", ["uad-2mm", "uad-1mm", "pddpm-2mm", "patch2loc-1mm"])
def test_patch2loc_is_the_published_network_under_every_data_protocol(protocol, monkeypatch, tmp_path):
    """Parity 2: `uad-bench run patch2loc --protocol uad-2mm` trained a network of ours with 149 k weights."""
    (tmp_path / "sri24.nii.gz").write_bytes(b"never read here, its digest is part of the protocol")
    monkeypatch.setenv("UAD_BENCH_ATLASES", str(tmp_path))
    (spec,) = Matrix(["patch2loc"], protocol=protocol).specs()
    (own,) = Matrix(["paper/patch2loc"], protocol=protocol).specs()
    method = build(spec)
    method.channels_, method.shape_ = 1, spec.protocol.grid.shape
    with torch.device("meta"):
        assert weight_count(method.build()) == 11_848_068
    assert (spec.method, spec.parameters) == ("patch2loc", own.parameters)
    assert method.side * spec.protocol.grid.spacing[0] == 24  # mm, as published
