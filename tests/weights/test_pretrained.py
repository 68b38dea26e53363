"""Pretrained weights in the same store: imported by digest, named by methods, the same bits as from their file."""

import hashlib

import pytest
import torch
from safetensors.torch import load_file

from tests.helpers.bundles import tree
from uad_bench.errors import DataError, IntegrityError, UadError, UsageError
from uad_bench.weights.pretrained import import_weights, load_state
from uad_methods.parts.networks.feature_autoencoder import FeatureAutoencoder
from uad_methods.parts.weights import load_into


@pytest.fixture
def net(tmp_path):
    """A network, a PyTorch file of its weights and the digest of the file."""
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3))
    torch.save(net.state_dict(), tmp_path / "net.pth")
    return net, tmp_path / "net.pth", hashlib.sha256((tmp_path / "net.pth").read_bytes()).hexdigest()


def test_a_method_gets_the_same_weights_from_the_store_as_from_the_file(net, verb, tmp_path):
    _, file, digest = net
    code, out, err = verb("weights", "import", "net", file, "--sha256", digest[:8], "--terms", "BSD-3-Clause")
    assert code == 0 and f"net@{digest[:12]}" in out, err
    bundle = out.split()[0]
    for named in (f"net@{digest[:12]}", bundle, bundle[:13]):
        one, other = (
            torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3)) for _ in range(2)
        )
        assert load_into(one, file, digest) == load_into(other, named) == digest
        assert all(
            torch.equal(a, b)
            for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
        )
    assert not [path for path in (tmp_path / "store").rglob("*") if path.suffix in {".pth", ".pt", ".pkl"}]
    code, out, _ = verb("weights", "list")
    assert code == 0 and "pretrained weights from net.pth" in out
    code, out, _ = verb("weights", "push", bundle, "--to", "shelf")
    assert code == 0 and verb("weights", "verify", tmp_path / "shelf" / bundle.replace("@", "/"))[0] == 0


def test_equal_files_give_equal_bundles(net, tmp_path):
    _, file, digest = net
    one, other = (import_weights("net", file, digest, "", tmp_path / name) for name in "ab")
    assert one.digest == other.digest and tree(tmp_path / "a") == tree(tmp_path / "b")
    assert load_file(one.folder / "weights.safetensors").keys() == net[0].state_dict().keys()


@pytest.mark.parametrize(
    ("name", "sha256", "code", "words"),
    [
        ("net", "", 5, "no digest was given"),
        ("net", "0" * 8, 5, "not 0000"),
        ("../net", "right", 2, "no name for weights"),
    ],
)
def test_a_wrong_import_stores_nothing(net, verb, tmp_path, name, sha256, code, words):
    before = tree(tmp_path)
    sha256 = net[2] if sha256 == "right" else sha256
    left, out, err = verb("weights", "import", name, net[1], "--sha256", sha256)
    assert left == code and words in err and not out and tree(tmp_path) == before


def test_a_file_with_code_is_refused(tmp_path):
    path = tmp_path / "evil.pth"
    torch.save({"weight": print}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(DataError, match="not a weight file"):
        import_weights("evil", path, digest, "", tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_weights_that_are_not_there_or_are_others_are_named(net, tmp_path, bundle, monkeypatch):
    monkeypatch.setenv("UAD_BENCH_WEIGHTS", str(tmp_path / "store"))
    with pytest.raises(UsageError, match="weights import"):
        load_state("net@00000000")
    done = import_weights("net", net[1], net[2], "", tmp_path / "store")
    with pytest.raises(IntegrityError, match="not 00000000"):
        load_state(f"net@{done.digest[:8]}", "0" * 8)
    monkeypatch.setenv("UAD_BENCH_WEIGHTS", str(bundle.folder.parents[1]))
    with pytest.raises(UadError, match="trained model, no pretrained weights"):
        load_state(bundle.label)
    from uad_bench.weights.model_bundle import open_model_bundle

    with pytest.raises(UsageError, match="no trained model"):
        open_model_bundle(done.folder)


def test_a_run_with_imported_weights_travels_without_them_being_at_hand(
    tmp_path, toy_root, place, monkeypatch
):
    """Trained with NAME@DIGEST; the bundle of the model is loaded where the borrowed weights are not at hand."""
    from tests.helpers.bundles import trained
    from uad_bench.pipeline.predict.model import open_model
    from uad_bench.weights.card import Said
    from uad_bench.weights.pack import pack

    monkeypatch.setenv("UAD_BENCH_WEIGHTS", str(tmp_path / "store"))
    resnet = FeatureAutoencoder(1, 0.0, adapt_bn=True).extractor.resnet.state_dict()
    torch.save(resnet, tmp_path / "resnet18.pth")
    digest = hashlib.sha256((tmp_path / "resnet18.pth").read_bytes()).hexdigest()
    import_weights("resnet18", tmp_path / "resnet18.pth", digest, "", tmp_path / "store")
    run = trained(place(), "fae", weights=f"resnet18@{digest[:12]}")
    bundle = pack(run.path, Said(), tmp_path / "shelf")
    assert "imagenet" in (bundle.folder / "README.md").read_text()
    monkeypatch.setenv("UAD_BENCH_WEIGHTS", str(tmp_path / "empty"))
    one, other = open_model(run.path), open_model(bundle.folder)
    assert one.identity == other.identity and other.method.weights_ == digest
