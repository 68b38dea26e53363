"""Feature memory: encoders' variants, search anywhere and nearby, maps."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from tests.helpers.method_maps import inside_of_an_odd_grid, require_cover, require_smoothing
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context, SliceStack
from uad_bench.config import checked_parameters
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.feature_memory import FeatureMemory
from uad_methods.parts.networks.vit import VisionTransformer

VARIANTS = ("self", "random", "patch", "filters")


def made(name="patch", **parameters):
    return FeatureMemory(**{**FeatureMemory.tiny, **FeatureMemory.variants.get(name, {}), **parameters})


def fitted(scans, name="patch", **parameters):
    method = made(name, **parameters)
    method.fit(scans, [], Context())
    return method


def test_the_published_encoder_is_refused_without_weights():
    with pytest.raises(UsageError, match=r"feature-memory:self, :random, :patch or :filters") as refusal:
        FeatureMemory()
    assert "\n" not in str(refusal.value)
    assert [variant(made(name)) for name in VARIANTS] == list(VARIANTS)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("random", {"side": 30}), ("patch", {"patch": 4}), ("dinov2", {"weights": "some.pth", "side": 64}),
        ("self", {"weights": "some.pth"}), ("random", {"stages": (2, 1)}), ("random", {"side": 0}),
        ("dinov2", {"weights": "some.pth", "side": 0}),
    ],
)  # fmt: skip
def test_invalid_hyper_parameters_are_refused(name, wrong):
    with pytest.raises(UsageError):
        made(name, **wrong)


def test_one_vector_is_refused_since_it_has_no_deviation_and_two_are_enough():
    with pytest.raises(UsageError, match="vectors is 1"):
        checked_parameters(FeatureMemory, {"encoder": "filters", "vectors": 1}, "feature-memory")
    for name in ("patch", "filters"):
        assert np.isfinite(fitted(toy_scans(1), name, vectors=2).score(*toy_scans(1), Context())).all()


def test_only_the_encoder_with_given_weights_is_in_the_track_of_features():
    assert FeatureMemory(weights="w.pth").learns_from() == "features"
    assert {made(name).learns_from() for name in VARIANTS} == {"healthy"}


def test_weights_of_the_vision_transformer_are_loaded_and_their_digest_is_stored(tmp_path):
    path, given = tmp_path / "vit.pth", VisionTransformer()
    torch.save(given.state_dict(), path)
    digest, scans = hashlib.sha256(path.read_bytes()).hexdigest(), toy_scans(1, shape=(16, 32, 3))
    method = FeatureMemory(**{**FeatureMemory.tiny, "weights": str(path), "sha256": digest})
    method.fit(scans, [], Context())
    assert method.weights_ == digest
    assert torch.equal(method.net_.encoder.vit.norm.weight, given.norm.weight)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("where", ["anywhere", "near"])
def test_a_scan_whose_features_are_all_in_the_memory_has_score_zero(name, where):
    scans = toy_scans(1)
    method = fitted(scans, name, where=where, vectors=10**6)
    found = method.score(scans[0], Context())
    assert found.max() < 2e-6
    assert method.score(*toy_scans(1, prefix="fresh"), Context()).max() > 0.01


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_distances_equal_those_of_scikit_learn(metric):
    scans, (fresh,) = toy_scans(3), toy_scans(1, prefix="fresh")
    method = fitted(scans, "random", metric=metric, where="anywhere", k=3, sigma=0.0)
    entries, numbers = method.net_.memory.entries, method.net_.encoder.channels
    queries = torch.randn(2, 5, 4, numbers, generator=torch.Generator().manual_seed(0))
    features = method.net_.components(queries)
    squared = method.net_.memory.squared_distances(features, torch.zeros(2, dtype=torch.int64), 3)
    found = squared / 2 if metric == "cosine" else squared
    search = NearestNeighbors(
        n_neighbors=3, metric="cosine" if metric == "cosine" else "sqeuclidean", algorithm="brute"
    )
    search.fit(entries.numpy())
    expected = search.kneighbors(features.flatten(0, 2).numpy())[0].mean(axis=1)
    np.testing.assert_allclose(found.flatten().numpy(), expected, rtol=1e-4, atol=1e-6)
    if metric == "cosine":  # squared distances of unit vectors are 2 (1 - cosine)
        assert entries.norm(dim=1).numpy() == pytest.approx(1, abs=1e-5)
    assert fresh.shape == method.score(fresh, Context()).shape


def test_one_pixel_at_the_same_place_of_one_subject_is_the_absolute_difference():
    (subject,), (fresh,) = toy_scans(1), toy_scans(1, prefix="fresh")
    method = fitted([subject], patch=1, pca=0, slices=0, radius_mm=0.0, vectors=10**6)
    found = method.score(fresh, Context())
    both = fresh.brain_mask & subject.brain_mask
    ours, theirs = (
        scan.image[0].astype(np.float16).astype(np.float32) for scan in (fresh, subject)
    )  # as slices are
    np.testing.assert_allclose(found[both], np.abs(ours - theirs)[both], atol=2e-6)


def test_more_entries_never_raise_a_score_and_more_neighbours_never_lower_it():
    scans, (fresh,) = toy_scans(4), toy_scans(1, prefix="fresh")
    few, more = (fitted(scans[:n], pca=0, vectors=10**6).score(fresh, Context()) for n in (2, 4))
    five = fitted(scans, pca=0, vectors=10**6, k=5).score(fresh, Context())
    inside = fresh.brain_mask
    assert (more[inside] <= few[inside] + 1e-5).all() and (more[inside] <= five[inside] + 1e-5).all()
    assert (more[inside] < few[inside]).any() and (more[inside] < five[inside]).any()


def test_the_order_of_the_subjects_changes_nothing_where_all_features_are_kept():
    scans, (fresh,) = toy_scans(3), toy_scans(1, prefix="fresh")
    one, other = (fitted(some, pca=0, vectors=10**6).score(fresh, Context()) for some in (scans, scans[::-1]))
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("reduce", ["none", "random", "coreset"])
def test_the_memory_has_at_most_its_size(reduce):
    method = fitted(toy_scans(3), "random", reduce=reduce, size=37)
    entries = method.net_.memory.entries
    assert method.size_ == (method.drawn_ if reduce == "none" else 37) == len(entries)
    assert method.drawn_ <= 300 and len(entries.unique(dim=0)) > 30


def test_a_coreset_covers_the_drawn_features():
    scans, ctx = toy_scans(3), Context()
    method = fitted(scans, "random", reduce="coreset", size=37)
    with torch.no_grad():
        drawn = method.net_.components(method._draw(SliceStack(scans, ctx), ctx)[0])
    require_cover(drawn, method.net_.memory.entries)


@pytest.mark.parametrize("name", ["patch", "random"])
def test_the_map_is_smoothed_by_sigma(name):
    method = fitted(toy_scans(1, shape=(56, 56, 4)), name)
    require_smoothing(method, method._distances)


def test_a_position_without_entries_nearby_is_compared_with_entries_of_the_whole_memory():
    scans, (fresh,) = toy_scans(2), toy_scans(1, prefix="fresh")
    method = fitted(scans, vectors=40, slices=0, radius_mm=0.5)
    found = method.score(fresh, Context())
    assert np.isfinite(found).all() and (found[fresh.brain_mask] > 0).mean() > 0.9


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(name, modalities):
    inside_of_an_odd_grid(lambda scans: fitted(scans, name), modalities)


@pytest.mark.parametrize("name", ["patch", "filters"])
def test_a_bright_square_scores_higher(name):
    scans, (fresh,) = toy_scans(4, shape=(64, 64, 6)), toy_scans(1, shape=(64, 64, 6), prefix="fresh")
    method = fitted(scans, name, vectors=10_000)
    image, at = fresh.image.copy(), (slice(28, 36), slice(28, 36), 3)
    image[0][at] += 0.4
    before, after = (method.score(s, Context())[at].mean() for s in (fresh, replace(fresh, image=image)))
    assert after > 2 * before


@pytest.mark.parametrize("name", ["patch", "random"])
def test_a_stored_method_gives_the_same_map(name, tmp_path):
    scans, (fresh,) = toy_scans(2), toy_scans(1, prefix="fresh")
    method = fitted(scans, name, where="near")
    method.save(tmp_path)
    again = made(name, where="near")
    again.load(tmp_path, Context())
    assert np.array_equal(again.score(fresh, Context()), method.score(fresh, Context()))


def test_a_resume_of_the_self_supervision_is_bit_equal(tmp_path):
    assert_resume_is_bit_equal(lambda: made("self"), "extractor", tmp_path)
