"""Methods that score whole sets: what is a set, order, failures, limits; and the track that a run requires."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from uad_bench import Method
from uad_bench.errors import PluginError, UsageError
from uad_bench.pipeline import requirements
from uad_bench.pipeline.requirements import require_track
from uad_bench.pipeline.score import score_cases
from uad_bench.pipeline.scorers.scorer import scorer
from uad_bench.testing import toy_scans


@dataclass
class Place(Method):
    """1 + the place in its set plus the size of the set; raises at the scan `bad`; `more` maps too many."""

    bad: str = ""
    more: int = 0

    track = "transductive"

    def score_set(self, scans, ctx):
        for place, scan in enumerate(scans):
            if scan.case_id == self.bad:
                raise ValueError("cannot handle this scan")
            yield np.where(scan.brain_mask, 1 + place + 100 * len(scans), 0)
        for _ in range(self.more):
            yield np.zeros(scans[0].shape)


def members():
    """Two test scans of one dataset, one of another, two tune scans."""
    told = [("a", "test"), ("a", "tune"), ("b", "test"), ("a", "test"), ("a", "tune")]
    return [
        SimpleNamespace(
            case=SimpleNamespace(dataset=dataset, case_id=scan.case_id),
            role=role,
            prepared=SimpleNamespace(scan=lambda scan=scan: scan),
        )
        for (dataset, role), scan in zip(told, toy_scans(5), strict=True)
    ]


def job(scored, **place):
    return SimpleNamespace(
        cohort=SimpleNamespace(scored=scored),
        place=SimpleNamespace(**{"case_timeout_s": None, "device": "cpu", "threads": 1} | place),
        spec=SimpleNamespace(method="place", seed=0, precision="fp32", modalities=()),
        label="place seed 0",
    )


def highest(scored, method=None, wanted=None):
    with scorer(job(scored), method or Place()) as score:
        return [int(score(member).max()) for member in (wanted or scored)]


def test_the_cases_of_a_dataset_with_one_role_are_a_set():
    assert highest(members()) == [201, 201, 101, 202, 202]


def test_a_resume_gives_the_method_the_whole_set():
    scored = members()
    assert highest(scored, wanted=scored[3:]) == [202, 202]


@pytest.mark.parametrize("there", [False, True])
def test_the_time_per_scan_is_not_recorded_where_a_set_is_computed_again(tmp_path, there):
    scored, recorded = members(), {}
    run = job(scored, fail_fast=False)
    run.set_state = lambda _state, **facts: recorded.update(facts)
    run.spec.map_bits = 32
    run.directory = SimpleNamespace(
        path=tmp_path,
        map_path=lambda _dataset, case_id: tmp_path / case_id,
        write_map=lambda _dataset, case_id, *_: (tmp_path / case_id).touch(),
    )
    for member in scored[:3] if there else ():
        (tmp_path / member.case.case_id).touch()
    score_cases(run, Place())
    assert ("score_s_per_scan" in recorded) is not there
    assert len(list(tmp_path.iterdir())) == 5


def test_a_failure_ends_its_set_and_no_other():
    scored = members()
    with scorer(job(scored), Place(bad=scored[0].case.case_id)) as score:
        for member in (scored[0], scored[3]):
            with pytest.raises(PluginError, match="cannot handle this scan"):
                score(member)
        assert int(score(scored[2]).max()) == 101


def test_more_maps_than_scans_are_refused():
    with pytest.raises(PluginError, match="more than 1 maps for 1 scans"):
        highest(members(), Place(more=1))


def test_there_is_no_limit_per_case(monkeypatch):
    specs = [SimpleNamespace(method=name) for name in ("thresh", "place")]
    classes = {"thresh": Method, "place": Place}
    monkeypatch.setattr(requirements, "method_class", lambda spec: classes[spec.method])
    requirements.require_no_case_limit(specs, None)
    requirements.require_no_case_limit(specs[:1], 1.0)
    with pytest.raises(UsageError, match="leave out --case-timeout") as refusal:
        requirements.require_no_case_limit(specs, 1.0)
    assert refusal.value.code == "UB262"


def test_a_single_scan_is_a_set_of_one():
    (scan,) = toy_scans(1)
    assert int(Place().score(scan, None).max()) == 101


@dataclass
class Borrowed(Method):
    """Has weights from elsewhere."""

    pretrained_on = ("imagenet",)


class Odd(Borrowed):
    """Declares a track that does not exist."""

    track = "magic"


class Secret(Place):
    """Scores sets and declares none."""

    track = "healthy"


@pytest.mark.parametrize(("cls", "told"), [(Odd, "'magic'"), (Secret, "declares the track 'healthy'")])
def test_a_wrong_track_is_refused_before_the_run(cls, told):
    with pytest.raises(PluginError, match=told) as refusal:
        require_track(cls, SimpleNamespace(method="mine", parameters={}))
    assert refusal.value.code == "UB407"


def test_weights_from_elsewhere_are_a_track():
    assert Borrowed().learns_from() == "features" and Place().learns_from() == "transductive"
