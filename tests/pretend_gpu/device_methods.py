"""Every built-in method and variant on the pretended GPU. Run by test_methods.py in a process of its own."""

import os
from dataclasses import replace

import numpy as np
import pytest

from tests.pretend_gpu import methods
from tests.pretend_gpu.story import Setting, Story, difference, tell

THREE = ("t1", "t2", "flair")
#: Two settings contain both devices, both precisions, one and three modalities; all combinations of any two are in the
#: two pairs. Every method is tested with one of the pairs, in turn; a second training, which is killed and resumed,
#: belongs to the first setting. UAD_BENCH_SETTINGS=variants tests every variant with one setting instead, and `all`
#: every name with all eight settings and the resume.
PAIRS = (
    (Setting("cuda", "fp32"), Setting("cuda:1", "bf16", THREE)),
    (Setting("cuda:1", "fp32", THREE), Setting("cuda", "bf16")),
)
#: The variants that the quick tests contain: the default of the synthetic cohort and its network.
VARIANTS = ("patch2loc:conv", "patch2loc:conv-25d-usual")
#: VGG19 in bf16 takes minutes on a CPU without bf16 units: the variant without its loss is tested in bf16.
SLOW_IN_BF16 = ("phanes", "phanes:shipped")
ALL = [Setting(d, p, m) for d in ("cuda", "cuda:1") for p in ("fp32", "bf16") for m in (("t2",), THREE)]
#: Of a map's largest value, between the CPU and the pretended GPU in fp32, with the same weights.
TOLERANCE = 5e-5
#: Noise for a scan, or partitions of it, are drawn on the host, equal on all devices, and copied without a wait.
DRAWN = ("ddpm", "pddpm", "cddpm", "andi", "itermask", "riad", "ra:sampled", "phanes:shipped")


def _cases():
    part, parts = (int(n) for n in os.environ.get("UAD_BENCH_PART", "0/1").split("/"))
    which = os.environ.get("UAD_BENCH_SETTINGS", "quick")
    for i, name in enumerate(methods.names()):
        turn = i // parts
        pair, is_variant = PAIRS[turn % 2], ":" in name
        usual = [pair[turn // 2 % 2]] if is_variant else pair
        usual = [replace(one, precision="fp32") if name in SLOW_IN_BF16 else one for one in usual]
        wanted = {
            "quick": usual if name in VARIANTS or not is_variant else [],
            "variants": usual if is_variant and name not in VARIANTS else [],
            "all": ALL,
        }[which]
        for setting in wanted if i % parts == part else ():
            whole = which == "all" or (setting == usual[0] and not is_variant)
            yield pytest.param(name, setting, whole, id=f"{name}-{setting}")


@pytest.mark.parametrize(("name", "setting", "whole"), list(_cases()))
def test_a_method_lives_on_the_device(name, setting, whole):
    story = tell(name, setting, whole)
    if whole:
        _same_after_load_and_resume(story)
    _waits(story)
    if setting.precision == "fp32":
        assert difference(story.map, story.on_cpu) <= TOLERANCE


def _same_after_load_and_resume(story: Story) -> None:
    assert np.array_equal(story.map, story.loaded), "the map differs after save and load"
    assert np.array_equal(story.map, story.resumed), "the map differs after a kill and resume"


def _waits(story: Story) -> None:
    assert story.later_steps() == []
    syncs = story.stage("score")
    assert len(syncs) <= 1, syncs  # the copy of the map to the host
    uploads = story.stage("score", "h2d")  # the volume
    assert len(uploads) <= 1 or story.name.startswith(DRAWN), uploads
    assert not [e for e in story.events if e.kind == "loose"]
