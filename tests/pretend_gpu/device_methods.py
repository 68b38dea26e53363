"""Every built-in method and variant on the pretended GPU. Run by test_methods.py in a process of its own."""

import os

import numpy as np
import pytest

from tests.pretend_gpu import methods
from tests.pretend_gpu.story import Setting, Story, difference, tell

THREE = ("t1", "t2", "flair")
#: Two settings contain both devices, both precisions, one and three modalities. Every method is tested with one of the
#: two pairs, in turn, so that all combinations of any two are tested, and every variant with one setting of a pair;
#: `-m slow` adds the other settings.
PAIRS = (
    (Setting("cuda", "fp32"), Setting("cuda:1", "bf16", THREE)),
    (Setting("cuda:1", "fp32", THREE), Setting("cuda", "bf16")),
)
#: VGG19 in bf16 takes minutes on a CPU without bf16 units: variants without its loss are tested in bf16.
SLOW_IN_BF16 = ("phanes",)
ALL = [Setting(d, p, m) for d in ("cuda", "cuda:1") for p in ("fp32", "bf16") for m in (("t2",), THREE)]
#: Of a map's largest value, between the CPU and the pretended GPU in fp32, with the same weights.
TOLERANCE = 5e-5
#: Noise for a scan, or partitions of it, are drawn on the host, equal on all devices, and copied without a wait.
DRAWN = ("ddpm", "pddpm", "cddpm", "andi", "itermask", "riad", "ra:sampled", "phanes:shipped")


def _cases():
    part, parts = (int(n) for n in os.environ.get("UAD_BENCH_PART", "0/1").split("/"))
    for i, name in enumerate(methods.names()):
        turn = i // parts
        pair = PAIRS[turn % 2]
        usual = [pair[turn // 2 % 2]] if ":" in name else pair
        usual = [one for one in usual if one.precision == "fp32" or name not in SLOW_IN_BF16]
        for setting in ALL if i % parts == part else ():
            marks = () if setting in usual else pytest.mark.slow
            yield pytest.param(name, setting, id=f"{name}-{setting}", marks=marks)


@pytest.mark.parametrize(("name", "setting"), list(_cases()))
def test_a_method_lives_on_the_device(name, setting):
    story = tell(name, setting)
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
