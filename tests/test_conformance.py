"""Every built-in method and dataset keeps every promise that the kit asks of strangers."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from uad_bench.testing import parametrize_with_checks
from uad_datasets.phantom import PhantomAdapter

METHODS = [
    "random", "all-brain", "atlas-z", "thresh", "thresh:raw", "thresh:zscore", "ae", "vae",
    "svae", "svae:gru", "svae:alone", "dae", "dae:published", "dae:positive",
    "patch2loc", "patch2loc:conv", "patch2loc:bf16", "fae:random", "fae:self", "fanogan", "fanogan:drift",
    "ra:ssim", "ra:clahe", "ra:l1", "phanes:noperc", "vae:gradient", "vae:product",
    "patch2loc:conv-full", "patch2loc:conv-mixture", "patch2loc:conv-scales", "patch2loc:conv-experts",
    "patch2loc:conv-25d", "patch2loc:conv-flips", "patch2loc:conv-usual", "patch2loc:conv-25d-usual",
    "ddpm", "ddpm:anoddpm", "pddpm", "pddpm:anywhere", "cddpm", "cddpm:pretrained",
]  # fmt: skip


@dataclass
class TinyPhantom(PhantomAdapter):
    """Two healthy subjects and one of each kind, to be grown in seconds."""

    tiny: ClassVar[dict[str, int]] = {"healthy": 2, "lesions": 1}


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UAD_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@parametrize_with_checks("method", METHODS)
def test_method(promise):
    promise()


@parametrize_with_checks("dataset", [TinyPhantom, "ixi", "brats21", "mslub"])
def test_dataset(promise):
    promise()
