"""Patch2Loc as a method: training, map, stored state, refused inputs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from tests.helpers.patch2loc import NETWORKS, SHAPE, TRAIN, VAL, fitted, make_narrow, scan, tiny
from uad_bench import Context, Scan
from uad_bench.errors import DataError, PluginError
from uad_bench.method.loop_state import Policy
from uad_methods.patch2loc import Patch2Loc


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    make_narrow(monkeypatch)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_same_seed_gives_the_same_map_and_another_seed_differs(network: str) -> None:
    first, again = (fitted(network).score(VAL[0], Context(seed=1)) for _ in range(2))
    other = tiny(network)
    other.fit(TRAIN, VAL, Context(seed=2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other.score(VAL[0], Context(seed=2)))
    assert first.shape == SHAPE
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert first[VAL[0].brain_mask].std() > 0


@pytest.mark.parametrize("network", NETWORKS)
def test_save_and_load_keep_the_map(network: str, tmp_path: Path) -> None:
    method = fitted(network)
    method.save(tmp_path)
    other = tiny(network)
    other.load(tmp_path, Context())
    assert np.array_equal(other.score(scan(5), Context()), method.score(scan(5), Context()))


class KilledError(Exception):
    pass


@pytest.mark.parametrize("network", NETWORKS)
def test_a_resumed_training_is_bit_equal(
    network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fitted(network)
    every_step = Policy(folder=tmp_path, checkpoint_minutes=0)
    learn, calls = torch.optim.Adam.step, []

    def step_until_killed(opt: torch.optim.Adam) -> None:
        calls.append(learn(opt))
        if len(calls) == 3:
            raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(torch.optim.Adam, "step", step_until_killed)
        fitted(network, every_step)
    resumed = fitted(network, Policy(folder=tmp_path, resume=True))
    for name, value in whole.net_.state_dict().items():
        assert torch.equal(resumed.net_.state_dict()[name], value), name


def test_a_patch_from_another_location_scores_higher() -> None:
    inside = np.zeros(SHAPE, bool)
    inside[13:15, 11:13, 2:4] = True
    # In the same slices, where patches of 8 pixels do not meet the moved one.
    far = VAL[0].brain_mask & ~ndimage.binary_dilation(inside, np.ones((17, 17, 1), bool))
    far[..., :2], far[..., 4:] = False, False
    rise = []
    for seed in range(4):  # one short training may fail; results differ between processors
        method = tiny("conv", steps=300, lr=1e-2, schedule="cosine", width=8, checked=12, clip=5.0)
        method.fit(TRAIN, VAL, Context(seed=seed))
        rise.append(method.score(scan(7, moved=True), Context()) - method.score(scan(7), Context()))
    mean = np.mean(rise, axis=0)
    assert mean[inside].mean() > 0.5 and mean[inside].mean() > 3 * abs(mean[far].mean())


def test_the_learning_rate_follows_its_schedule() -> None:
    method = Patch2Loc(steps=1000, lr=0.01, schedule="cosine")
    rates = [method._rate(step) for step in range(1000)]
    assert np.argmax(rates) == 49
    assert max(rates) == pytest.approx(0.01)
    assert rates[-1] < 1e-6
    assert np.all(np.diff(rates[50:]) < 0)
    assert {Patch2Loc()._rate(step) for step in (0, 7, 14_999)} == {0.01}


def test_the_background_does_not_influence_the_map() -> None:
    method, clean = fitted("conv"), scan(5)
    dirty = clean.image + (~clean.brain_mask).astype(np.float32)
    other = Scan("dirty", ("t2",), dirty, clean.brain_mask.copy(), np.eye(4), (2.0, 2.0, 2.0))
    assert np.array_equal(method.score(other, Context()), method.score(clean, Context()))


def test_validation_scans_without_enough_brain_are_refused() -> None:
    with pytest.raises(DataError, match="no patch of 8 pixels contains 110% brain"):
        fitted("conv", brain=1.1)


def test_another_grid_is_refused() -> None:
    method = fitted("conv")
    small = Scan(
        "s", ("t2",), np.ones((1, 9, 9, 6), np.float32), np.ones((9, 9, 6), bool), np.eye(4), (2, 2, 2)
    )
    with pytest.raises(PluginError, match="trained for"):
        method.score(small, Context())
