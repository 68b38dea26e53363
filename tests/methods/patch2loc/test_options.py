"""Extensions of the paper: stored, effective, named, refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.patch2loc import VAL, fitted, scan, tiny
from uad_bench import Context
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_methods.patch2loc import Patch2Loc

BEYOND: list[dict[str, Any]] = [
    {"belief": "full"},
    {"belief": "mixture"},
    {"scales": (12,)},
    {"neighbours": 1},
    {"flips": True},
    {"usual": 3},
    {"belief": "mixture", "scales": (12,), "neighbours": 1, "flips": True, "usual": 2},
]


@pytest.fixture(scope="module")
def plain_maps() -> dict[str, Any]:
    """The map of each network without extensions."""
    return {network: fitted(network).score(VAL[0], Context()) for network in ("conv", "resnet")}


#: The published network, which trains for seconds, with all extensions at once; each alone is slow.
QUICK = [("conv", one) for one in BEYOND] + [("resnet", BEYOND[-1])]
SLOW = [pytest.param("resnet", one, marks=pytest.mark.slow) for one in BEYOND[:-1]]


@pytest.mark.parametrize(("network", "options"), [*QUICK, *SLOW], ids=str)
def test_every_extension_is_stored_and_changes_the_map(
    network: str, options: dict[str, Any], tmp_path: Path, plain_maps: dict[str, Any]
) -> None:
    method = fitted(network, **options)
    method.save(tmp_path)
    other = tiny(network, **options)
    other.load(tmp_path, Context())
    maps = [*(one.score(VAL[0], Context()) for one in (method, other)), plain_maps[network]]
    assert np.array_equal(maps[0], maps[1])
    assert np.abs(maps[0] - maps[2])[VAL[0].brain_mask].mean() > 1e-3
    assert np.isfinite(maps[0]).all()


def test_each_expert_receives_one_modality() -> None:
    def two(number: int, second: int) -> Any:
        one = scan(number)
        return replace(
            one, modalities=("t1", "t2"), image=np.concatenate([one.image, scan(second).image[:, ::-1]])
        )

    method = tiny("conv", experts=True)
    method.fit([two(i, i + 9) for i in range(3)], [two(8, 7)], Context(seed=1))
    assert [net.encoder.layers[0].conv.in_channels for net in method.net_] == [1, 1]
    blind = two(8, 6)
    assert not np.array_equal(method.score(two(8, 7), Context()), method.score(blind, Context()))


def test_options_that_exclude_each_other_are_refused() -> None:
    belief = [{"belief": "full", "loss": "mse"}, {"belief": "mixture", "experts": True}]
    for options, word in [
        *((one, "belief") for one in belief),
        ({"scoring": "bf16"}, "bf16"),
        ({"compiled": True}, "compiled"),
    ]:
        with pytest.raises(UsageError, match=word):
            fitted("conv", **options)


def test_names_state_the_extensions_of_the_paper() -> None:
    assert variant(Patch2Loc()) == ""
    assert variant(Patch2Loc(network="conv", flips=True, usual=3)) == "conv-other"
    assert variant(Patch2Loc(neighbours=1)) == "resnet-other"
    assert variant(Patch2Loc(network="conv", neighbours=1, usual=16)) == "conv-25d-usual"


@pytest.mark.parametrize(
    ("patch", "shape", "side"),
    [
        (0.125, (192, 192, 100), 24),
        (0.125, (160, 192, 160), 24),
        (0.125, (80, 96, 80), 12),
        (0.25, (80, 96, 80), 24),
        (0.1, (50, 40, 9), 5),
        (24, (80, 96, 80), 24),
        (1 / 3, (60, 50, 8), 20),
        (0.01, (20, 24, 6), 1),
    ],
)
def test_a_patch_is_a_share_of_the_longer_side_or_a_number_of_pixels(
    patch: float, shape: tuple[int, int, int], side: int
) -> None:
    method = Patch2Loc(patch=patch)
    method.shape_ = shape
    assert method.side == side


@pytest.mark.parametrize("patch", [0, -0.125, 12.5])
def test_a_patch_without_size_or_with_part_of_a_pixel_is_refused(patch: float) -> None:
    with pytest.raises(UsageError, match=r"patch2loc\.patch"):
        Patch2Loc(patch=patch)
