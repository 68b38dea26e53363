"""All built-in methods, datasets, metrics and preparation steps pass the conformance checks for plug-ins."""

from dataclasses import dataclass, replace
from typing import ClassVar

import nibabel as nib
import numpy as np
import pytest

from uad_bench import plugins
from uad_bench.prepare.chain import STEPS
from uad_bench.testing import MetricCandidate, check_metric, check_step, parametrize_with_checks, toy_volumes
from uad_datasets.phantom import PhantomAdapter

#: Every method, as its plain name or as a variant that needs no external weights, and the networks of our own.
METHODS = [
    "random", "all-brain", "atlas-z", "thresh", "thresh:raw", "thresh:zscore", "ae", "vae", "svae", "dae", "patch2loc",
    "fae:self", "fanogan", "patchcore:self", "rd4ad:self", "uniad:self", "feature-memory:self",
    "feature-memory:filters", "riad", "ra:ssim", "phanes:noperc", "andi", "disyre", "itermask",
    "ddpm", "pddpm", "cddpm",
    "patch2loc:conv", "patch2loc:conv-full", "patch2loc:conv-mixture", "patch2loc:conv-scales",
    "patch2loc:conv-experts", "patch2loc:conv-25d", "patch2loc:conv-flips", "patch2loc:conv-usual",
    "patch2loc:conv-25d-usual",
]  # fmt: skip
#: The other variants: half of the time of all checks.
VARIANTS = [
    "svae:gru", "svae:alone", "dae:published", "dae:positive", "patch2loc:bf16", "fae:random", "fanogan:drift",
    "patchcore:random", "rd4ad:random", "uniad:random", "feature-memory:random", "feature-memory:patch",
    "riad:mask", "riad:l2", "riad:mask-l2", "ra:clahe", "ra:l1", "vae:gradient", "vae:product",
    "andi:gaussian", "andi:noncausal", "disyre:minmax", "disyre:noncausal", "disyre:undamped", "itermask:stop1",
    "ddpm:anoddpm", "pddpm:anywhere", "cddpm:pretrained",
]  # fmt: skip


METRICS = [entry.name for entry in plugins.catalogue().names("metric") if entry.source == "uad-bench"]
#: Steps with parameters that are quick on the toy brain; `register` has a test of its own.
PREPARATION = [
    "canonical", "brain_mask", "scale", "histogram", "curvature_flow", "cut", "downsample",
    {"step": "histogram", "mask": False},
    {"step": "n4", "shrink": 10, "iterations": [5]},
    {"step": "isotropic", "spacing": 4},
    {"step": "atlas_grid", "spacing": 6},
    {"step": "crop_or_pad", "shape": [30, 36, 34]},
    {"step": "resample", "spacing": [4, 4, 4], "shape": [48, 56, 48]},
    {"step": "resample", "spacing": [4, 4, 4], "shape": [48, 56, 48], "centre": [0, -18, 8],
     "interpolation": "bspline", "lesions": "nearest", "data_only": True},
]  # fmt: skip


@dataclass
class TinyPhantom(PhantomAdapter):
    """Two healthy subjects and one of each lesion kind, generated in seconds."""

    tiny: ClassVar[dict[str, int]] = {"healthy": 2, "lesions": 1}


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UAD_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@parametrize_with_checks("method", METHODS)
def test_method(promise):
    promise()


@pytest.mark.slow
@parametrize_with_checks("method", VARIANTS)
def test_variant(promise):
    promise()


def test_the_checks_of_every_method_are_quick():
    entries = [one for one in plugins.catalogue().names("method") if one.target.startswith("uad_methods.")]
    assert {one.name for one in entries} == {name.partition(":")[0] for name in METHODS}


@parametrize_with_checks("dataset", [TinyPhantom, "ixi", "brats21", "mslub"])
def test_dataset(promise):
    promise()


@parametrize_with_checks("metric", METRICS)
def test_metric(promise):
    promise()


@parametrize_with_checks("step", PREPARATION)
def test_step(promise):
    promise()


def test_register(tmp_path):
    """The toy brain in another pose, registered to itself."""
    atlas, (cos, sin) = tmp_path / "atlas.nii.gz", (np.cos(0.1), np.sin(0.1))
    pose = np.array([[cos, -sin, 0, 4], [sin, cos, 0, -6], [0, 0, 1, 5], [0, 0, 0, 1]])
    brain = toy_volumes().images["t1"]
    nib.save(nib.Nifti1Image(brain.array, brain.affine), atlas)

    def moved(volume):
        return replace(volume, affine=pose @ volume.affine)

    results = check_step({"step": "register", "atlas": str(atlas)}, toy_volumes().transformed(moved, moved))
    assert {result.promise for result in results if result.status != "kept"} == {"fit"}


def test_every_metric_and_step_is_checked():
    assert {"ap", "dice", "hd95", "case_auroc_max", "fp_volume", "ece"} < set(METRICS)
    names = {entry if isinstance(entry, str) else entry["step"] for entry in PREPARATION}
    assert names | {"register"} == set(STEPS)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_defined_for_some_toy_case(name):
    candidate = MetricCandidate(name, plugins.load(plugins.resolve("metric", name)))
    assert candidate.reference


#: Metrics that depend on the values of the scores; two more rank cases by a mean, whose order need not change.
OF_VALUES, BY_MEAN = {"ece", "brier"}, {"case_auroc_mean", "case_ap_mean"}


@pytest.mark.parametrize("name", sorted(set(METRICS) - BY_MEAN))
def test_a_metric_depends_on_the_order_of_the_scores_only(name):
    cls = plugins.load(plugins.resolve("metric", name))
    ranked = type(cls.__name__, (cls,), {"rank_based": True})
    kept = {result.promise: result.ok for result in check_metric(ranked)}["monotone_transform"]
    assert kept == (name not in OF_VALUES)
