"""Damaged, forged and unfit bundles: one line, the right exit code, nothing written."""

import io
import json
import pickle
import zipfile

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.bundles import copied, sealed_again, tree, written
from tests.helpers.damage import flip
from tests.helpers.toy_data import AFFINE, SHAPE
from uad_bench.weights.manifest import MANIFEST

WEIGHTS = "model/weights.safetensors"


def spec_with(folder, **changes):
    """spec.json with other values; keys with a dot lie in the protocol."""
    values = json.loads((folder / "spec.json").read_text())
    for key, value in changes.items():
        (values["protocol"] if key == "grid" else values)[key] = value
    (folder / "spec.json").write_text(json.dumps(values))
    return values


def forged_facts(folder, **changes):
    return {"model": json.loads((folder / MANIFEST).read_text())["model"] | changes}


def cut(folder, name=WEIGHTS):
    (folder / name).write_bytes((folder / name).read_bytes()[:-20])
    return folder


def pickled(folder):
    """An archive of arrays with a Python object, in the place of the plain one."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive, archive.open("mean_.npy", "w") as file:
        np.lib.format.write_array(file, np.array([{"a": 1}], dtype=object))
    (folder / "model/state.npz").write_bytes(data.getvalue())
    return sealed_again(folder)


def plug_in_gone(folder):
    spec_with(folder, target="not_there_uad.thing:Thing", source="not-there-uad", method="thing")
    facts = {"target": "not_there_uad.thing:Thing", "source": "not-there-uad", "method": "thing"}
    return sealed_again(folder, **forged_facts(folder, **facts))


def foreign_code(folder):
    evil = folder.parent / "evil.py"
    evil.write_text(f"open({str(folder.parent / 'mark')!r}, 'w').close()")
    spec_with(folder, target=f"{evil}:Evil", method="evil")
    return sealed_again(folder, **forged_facts(folder, target=f"{evil}:Evil", method="evil"))


def other_grid(folder):
    """A specification of another grid that the manifest does not know of."""
    spec_with(folder, grid={"spacing": [3, 3, 3], "shape": [48, 56, 40], "centre": "brain"})
    return sealed_again(folder)


def other_network(folder):
    """Weights of a network that the parameters do not describe."""
    values = json.loads((folder / "spec.json").read_text())
    spec_with(folder, parameters=values["parameters"] | {"width": 16})
    return sealed_again(folder)


def named_outside(folder):
    entry = {"sha256": "0" * 64, "size": 3}
    return sealed_again(folder, files={"../../../escaped.json": entry})


def pickle_named(folder):
    (folder / "model/state.pkl").write_bytes(pickle.dumps({}))
    return sealed_again(folder)


def linked(folder):
    path = folder / WEIGHTS
    path.rename(folder.parent / "weights")
    path.symlink_to(folder.parent / "weights")
    return folder


def changed_file(name, old, new):
    def change(folder):
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))
        return sealed_again(folder)

    return change


def flipped(name):
    def change(folder):
        flip(folder / name, 100)
        return folder

    return change


def made(function):
    def change(folder):
        function(folder)
        return folder

    return change


CORRUPTIONS = {
    "a flipped byte in the weights": (flipped(WEIGHTS), 5, "UB510", "weights.safetensors was changed"),
    "a flipped byte in the manifest": (flipped(MANIFEST), 5, "UB510", "digest that the bundle is named by"),
    "truncated weights": (cut, 5, "UB510", "bytes, not"),
    "truncated weights, sealed": (lambda f: sealed_again(cut(f)), 5, "UB511", "no readable safetensors"),
    "truncated arrays, sealed": (lambda f: sealed_again(cut(f, "model/state.npz")), 5, "UB511", "plain arrays"),
    "a missing file": (made(lambda f: (f / "fitted.json").unlink()), 5, "UB510", "fitted.json is missing"),
    "no manifest": (made(lambda f: (f / MANIFEST).unlink()), 5, "UB510", "manifest.json cannot be read"),
    "a file that is not listed": (made(lambda f: (f / "x.json").write_text("{}")), 5, "UB510", "does not list"),
    "a link in the place of a file": (linked, 5, "UB510", "does not list"),
    "another name of the folder": (lambda f: f.rename(f.with_name("mine")), 5, "UB510", "not by the digest"),
    "a path out of the bundle": (named_outside, 5, "UB501", "outside the bundle"),
    "a pickle by name": (pickle_named, 5, "UB511", "pickles are never read"),
    "a pickle in an archive of arrays": (pickled, 5, "UB511", "Python objects, that is a pickle"),
    "a newer format": (lambda f: sealed_again(f, format=2), 6, "UB612", "upgrade uad-bench"),
    "no format": (lambda f: sealed_again(f, format=...), 5, "UB510", "no format"),
    "no known key": (lambda f: sealed_again(f, more=1), 5, "UB510", "more"),
    "no facts": (lambda f: sealed_again(f, model=None), 5, "UB510", "no facts of the model"),
    "facts of both kinds": (lambda f: sealed_again(f, pretrained={"file": "net.pth", "sha256": "0" * 64}), 5, "UB510",
                            "facts of a model and of pretrained weights"),
    "a manifest that is no JSON": (lambda f: written(f, b"{" * 5000), 5, "UB510", "not readable as JSON"),
    "a plug-in that is not installed": (plug_in_gone, 4, "UB411", "not-there-uad"),
    "code of a file": (foreign_code, 5, "UB502", "the bundle names code"),
    "another protocol's grid": (other_grid, 5, "UB510", "another fingerprint than the manifest"),
    "another network": (other_network, 4, "UB400", "do not fit"),
    "no landmarks": (changed_file("fitted.json", '"parameters"', '"x"'), 5, "UB500",
                     "not a readable bundle: KeyError"),
    "a threshold that is no number": (changed_file("thresholds.csv", "healthy_q98,", "healthy_q98,nan,"), 5, "UB500",
                                      "the threshold healthy_q98 is nan"),
    "no specification": (lambda f: ((f / "spec.json").write_text("[]"), sealed_again(f))[1], 5, "UB510",
                         "no specification"),
}  # fmt: skip


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corrupt_bundle_is_refused_in_one_line(verb, bundle, toy_root, tmp_path, name):
    change, code, stable, words = CORRUPTIONS[name]
    folder = change(copied(bundle.folder, tmp_path / "elsewhere"))
    before = tree(tmp_path)
    left, out, err = verb("predict", folder, toy_root / "a00_t2.nii.gz", "--to", "out", "--no-sheet")
    assert left == code and not out, err
    (line,) = [line for line in err.splitlines() if line.startswith("error[")]
    assert line.startswith(f"error[{stable}]") and words in line and "Traceback" not in err
    assert tree(tmp_path) == before


#: What `pull` cannot see because it copies listed files into a folder that it names itself, or leaves to `predict`.
ONLY_PREDICT = {
    "a file that is not listed", "another name of the folder", "another protocol's grid", "no specification",
}  # fmt: skip
PULLED = [
    name
    for name, (_, _, stable, _) in CORRUPTIONS.items()
    if stable in {"UB510", "UB511", "UB501", "UB612"} and name not in ONLY_PREDICT
]


@pytest.mark.parametrize("name", PULLED)
def test_a_corrupt_bundle_is_not_pulled(verb, bundle, tmp_path, name):
    change, code, stable, _ = CORRUPTIONS[name]
    folder = change(copied(bundle.folder, tmp_path / "shelf"))
    before = tree(tmp_path)
    left, out, err = verb("weights", "pull", f"tiny@{folder.name}", "--from", tmp_path / "shelf")
    assert left == code and not out and f"error[{stable}]" in err, err
    assert tree(tmp_path) == before


def test_damage_in_the_store_is_found_by_verify_and_list(verb, bundle, tmp_path):
    flipped(WEIGHTS)(copied(bundle.folder, tmp_path / "store"))
    code, out, err = verb("weights", "verify")
    assert code == 5 and "damaged: weights.safetensors was changed" in out and "error[UB510]" in err
    flipped(MANIFEST)(tmp_path / "store" / "tiny" / bundle.digest)
    code, out, err = verb("weights", "list")
    assert code == 5 and "damaged: " in out and "error[UB510]" in err
    code, _, err = verb("weights", "pull", bundle.label, "--from", bundle.folder.parents[1])
    assert code == 5 and "UB510" in err


def test_a_bundle_below_a_folder_of_another_name_is_found_by_verify_and_list(verb, bundle, tmp_path):
    copied(bundle.folder, tmp_path / "store").parent.rename(tmp_path / "store/other")
    for word in ("list", "verify"):
        code, out, err = verb("weights", word)
        assert code == 5 and f"damaged: the folder above is named 'other' ({bundle.label})" in out, err


def test_a_bundle_that_lacks_a_file_is_refused_by_the_name_of_the_file(verb, bundle, tmp_path):
    (copied(bundle.folder, tmp_path / "there") / "fitted.json").unlink()
    code, _, err = verb("weights", "pull", bundle.label, "--from", "there")
    assert code == 5 and "fitted.json is missing" in err and "UB510" in err


def test_a_bundle_of_a_newer_version_is_unusable_and_not_damaged(verb, bundle, tmp_path):
    sealed_again(copied(bundle.folder, tmp_path / "store"), format=2)
    copied(bundle.folder, tmp_path / "store")
    for word in ("list", "verify"):
        code, out, err = verb("weights", word)
        assert code == 6 and "unusable: the bundle has format 2" in out and "damaged" not in out
        assert "error[UB612]" in err and "upgrade uad-bench" in err and "remove" not in err
        assert ("intact: " if word == "verify" else "dae seed 0") in out
    cut(tmp_path / "store" / "tiny" / bundle.digest)
    code, out, err = verb("weights", "verify")
    assert code == 5 and "unusable: " in out and "damaged: " in out
    assert "error[UB510]: 1 bundle differs from its digest" in err


def test_verify_goes_on_after_a_bundle_that_is_not_there(verb, bundle, tmp_path):
    code, out, err = verb("weights", "verify", "none@00000000", tmp_path / "gone", bundle.folder)
    assert code == 2 and f"intact: {bundle.label}" in out and "1 bundle is intact" in out
    assert "unusable: no bundle none@00000000" in out and "damaged: " not in out
    assert f"unusable: no such folder ({tmp_path / 'gone'})" in out
    code, out, err = verb("weights", "verify", "none@00000000", bundle.folder)
    assert code == 2 and "error[UB260]" in err and f"intact: {bundle.label}" in out


@pytest.mark.parametrize(
    ("scan", "more", "code", "words"),
    [
        ("x_FLAIR.nii.gz", (), 3, "UB332"),
        ("x_FLAIR.nii.gz", ("--modality", "flair"), 2, "UB250"),
        ("x_t2.nii.gz", (), 3, "UB327"),
        ("small_t2.nii.gz", (), 3, "UB331"),
    ],
)
def test_a_scan_that_does_not_fit_the_model_is_refused(verb, bundle, tmp_path, scan, more, code, words):
    image = np.zeros(SHAPE, np.int16)
    if scan.startswith("small"):  # the air of a scanner: too few voxels for a brain
        image[10:12, 10:12, 10:12] = 5 + np.arange(8).reshape(2, 2, 2)
    nib.save(nib.Nifti1Image(image, AFFINE), tmp_path / scan)
    before = tree(tmp_path)
    left, out, err = verb("predict", bundle.folder, tmp_path / scan, *more)
    assert left == code and not out and words in err and err.count("error[") == 1
    (line,) = [line for line in err.splitlines() if words in line]
    assert err.count(line.removeprefix(f"error[{words}]: ")) == 1, "the same line twice"
    assert tree(tmp_path) == before


def test_a_scan_of_another_protocol_is_refused(bundle):
    from uad_bench import api
    from uad_bench.errors import DataError
    from uad_bench.testing import toy_scans

    (scan,) = toy_scans(1)
    with pytest.raises(DataError) as caught:
        api.score(api.load_model(bundle.folder), scan)
    assert caught.value.code in {"UB328", "UB332"}
