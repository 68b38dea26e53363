"""Parity 1 and 7: a noise field for a whole batch or volume, and the moments and correlations of such a field."""

import numpy as np
import pytest
import torch

from uad_bench import Context, plugins
from uad_bench.config import load_protocol
from uad_bench.pipeline.matrix import Matrix
from uad_bench.testing import toy_scans
from uad_methods import denoising
from uad_methods.parts.training.opensimplex import published_fields

FAMILY = ("ddpm", "pddpm", "cddpm")
PUBLISHED = {"noise": "simplex", "wavelength": 64.0, "fields": "batch", "draw": "volume", "start": 500,
             "lr": 1e-4, "batch": 32, "clip": 0.0, "average": False}  # fmt: skip
STEPS = {"ddpm": 19_200, "pddpm": 19_200, "cddpm": 14_400}


@pytest.fixture(scope="module")
def fields():
    return published_fields(200, (96, 96), np.random.default_rng(0), "cpu")


def method_class(name):
    return plugins.load(plugins.resolve("method", name))


@pytest.mark.parametrize("name", FAMILY)
def test_defaults_are_those_of_the_published_experiment(name):
    cls = method_class(name)
    method = cls()
    for key, value in (PUBLISHED | {"steps": STEPS[name]}).items():
        assert getattr(method, key, value) == value, key


@pytest.mark.parametrize("name", FAMILY)
def test_no_preset_changes_the_kind_of_noise_and_a_field_a_slice_is_a_variant(name):
    for protocol in ("phantom", "uad-2mm", "uad-1mm", "pddpm-2mm", "patch2loc-1mm"):
        assert not {"fields", "noise"} & set(load_protocol(protocol).presets.get(name, {}))
    (bare,) = Matrix([name], protocol="phantom").specs()
    (own,) = Matrix([f"{name}:slice-noise"], protocol="phantom").specs()
    assert (bare.method, bare.parameters["fields"]) == (name, "batch")
    assert own.parameters == bare.parameters | {"fields": "slice"}
    (same,) = Matrix([name], protocol="phantom", settings=[([name, "fields"], "slice")]).specs()
    assert same.method == f"{name}:slice-noise"


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("kind", ["batch", "slice"])
def test_a_batch_and_a_volume_have_one_field_or_one_for_each_slice(name, kind, monkeypatch):
    cls, counts, original = method_class(name), [], denoising.noise_fields

    def counted(noise, count, *arguments):
        counts.append(count)
        return original(noise, count, *arguments)

    monkeypatch.setattr(denoising, "noise_fields", counted)
    method, scans = cls(**{**cls.tiny, "fields": kind}), toy_scans(2)
    noise = method.training_noise(torch.zeros(5, 1, 16, 16), 0, Context())
    assert len(torch.unique(noise.flatten(1), dim=0)) == (1 if kind == "batch" else 5)
    method.fit(scans, scans, Context())
    counts.clear()
    method.score(scans[0], Context())
    assert set(counts) == {1 if kind == "batch" else scans[0].shape[2]}


def test_moments_of_a_field_are_those_of_the_published_noise(fields):
    """Measured on the papers' package: deviation 0.75 in the first 16 pixels, field means 0.217."""
    assert float(fields.std()) == pytest.approx(0.586, abs=0.02)
    assert float(fields[:, :16, :16].std()) == pytest.approx(0.75, abs=0.03)
    assert float(fields.mean(dim=(1, 2)).std()) == pytest.approx(0.217, abs=0.02)
    assert abs(float(fields.mean())) < 0.03
    assert not fields[:, 0, 0].any()  # the octaves share their origin


@pytest.mark.parametrize(
    ("distance", "correlation"), [(4, 0.78), (8, 0.62), (16, 0.41), (32, 0.19), (48, 0.06)]
)
def test_correlations_along_a_field_are_those_of_the_published_noise(fields, distance, correlation):
    """0.19 at 32 pixels was measured on the papers' package; the others follow from the same octaves."""
    pairs = torch.stack([fields[:, distance:].flatten(), fields[:, :-distance].flatten()])
    assert float(torch.corrcoef(pairs)[0, 1]) == pytest.approx(correlation, abs=0.04)


def test_fields_of_different_draws_are_different(fields):
    both = torch.corrcoef(fields[:60, 40:, 40:].flatten(1)) - torch.eye(60)
    assert float(both.abs().max()) < 0.9 and float(both.abs().mean()) < 0.3
