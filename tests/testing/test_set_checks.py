"""The checks of what a method learns from, and of methods that score whole sets."""

from dataclasses import dataclass

import numpy as np
import pytest

from uad_bench import Method
from uad_bench.testing import check_method


def outcome(cls):
    """The results of the checks of sets by promise."""
    names = ("track", "set_order_does_not_matter", "sets_are_streamed")
    return {found.promise: found for found in check_method(cls) if found.promise in names}


@dataclass
class Plain(Method):
    """One by one."""

    def score(self, scan, ctx):
        return scan.image[0]


@dataclass
class SetMean(Method):
    """Difference from the mean of the set, in the order of the case ids."""

    track = "transductive"
    deterministic = True

    def score_set(self, scans, ctx):
        order = sorted(range(len(scans)), key=lambda i: scans[i].case_id)
        mean = sum(scans[i].image.astype(float) for i in order) / len(scans)
        for scan in scans:
            yield np.abs(scan.image - mean)[0]


@dataclass
class Undeclared(SetMean):
    """In no track for sets."""

    track = "healthy"


@dataclass
class Ordered(SetMean):
    """Depends on the order."""

    def score_set(self, scans, ctx):
        for place, scan in enumerate(scans):
            yield scan.image[0] + place


@dataclass
class Hoarding(SetMean):
    """Keeps all scans."""

    def score_set(self, scans, ctx):
        kept = list(scans)
        for scan in kept:
            yield scan.image[0]


@dataclass
class AtOnce(SetMean):
    """Returns a list."""

    def score_set(self, scans, ctx):
        return [scan.image[0] for scan in scans]


def test_a_sound_method_keeps_all_promises_of_sets():
    assert all(found.status == "kept" for found in outcome(SetMean).values())


def test_a_method_that_scores_one_by_one_is_not_checked_for_sets():
    assert [found.status for found in outcome(Plain).values()] == ["kept", "not checked", "not checked"]


@pytest.mark.parametrize(
    ("cls", "promise", "told"),
    [
        (Undeclared, "track", 'track = "transductive"'),
        (Ordered, "set_order_does_not_matter", "in any order"),
        (Hoarding, "sets_are_streamed", "at most 3 of 6 scans in memory, found 6"),
        (AtOnce, "sets_are_streamed", "an iterator of maps, found list"),
    ],
)
def test_a_broken_promise_is_named(cls, promise, told):
    found = outcome(cls)
    assert found[promise].status == "broken" and told in found[promise].message
    assert sum(one.status == "broken" for one in found.values()) == 1


@pytest.mark.parametrize("answer", ["brats21", None])
def test_a_word_or_nothing_from_seen_is_found(answer):
    @dataclass
    class Seen(Plain):
        def seen(self):
            return answer

    found = outcome(Seen)["track"]
    assert found.status == "broken" and "a tuple of dataset names" in found.message
