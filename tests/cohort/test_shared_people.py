"""L6 between the datasets of a run: people by the keys of adapters, and datasets that may overlap."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from uad_bench import Case, DatasetAdapter
from uad_bench.cohort import shared_people as module
from uad_bench.cohort.shared_people import shared_people
from uad_bench.errors import PluginError


@dataclass
class Study(DatasetAdapter):
    """A dataset of one word for its people."""

    name: str = "study"
    people: str = ""
    may_share: tuple[str, ...] = field(default_factory=tuple)


def case(dataset, subject):
    return Case(dataset, f"{subject}_1", subject, {"t2": Path("t2.nii.gz")}, healthy=True)


@pytest.fixture
def studies(monkeypatch):
    """studies(name=adapter) -> the adapters that the names stand for."""

    def use(**adapters):
        monkeypatch.setattr(module, "adapter_for", lambda name, _: adapters[name])
        monkeypatch.setattr(module.plugins, "label", lambda name: name)

    return use


def test_one_word_and_one_subject_are_one_person(studies):
    studies(a=Study(people="x"), b=Study(people="x"), c=Study(people="y"), d=Study())
    cases = {name: [case(name, "s1"), case(name, f"own-{name}")] for name in "abcd"}
    pairs, overlaps = shared_people(cases, {})
    assert (pairs, overlaps) == ([(("a", "s1"), ("b", "s1"))], [])


def test_two_sessions_are_one_pair(studies):
    studies(a=Study(people="x"), b=Study(people="x"))
    twice = [case("a", "s1"), case("a", "s1")]
    assert len(shared_people({"a": twice, "b": [case("b", "s1")]}, {})[0]) == 1


def test_datasets_of_the_same_people_without_a_common_subject_are_a_note(studies):
    studies(a=Study(people="x"), b=Study(people="x"), c=Study())
    pairs, (note,) = shared_people({name: [case(name, f"own-{name}")] for name in "abc"}, {})
    assert pairs == [] and (note.rule, note.severity) == ("L6", "note")
    assert note.what == "a and b: their subjects were compared, none is in both"


def test_an_adapter_that_cannot_name_a_person_is_told_by_its_name(studies):
    class Broken(Study):
        def person_of(self, case):
            raise KeyError(case.case_id)

    studies(a=Broken(), b=Study())
    with pytest.raises(
        PluginError, match=r"KeyError.*a.person_of, case s1_1|a.person_of, case s1_1.*KeyError"
    ):
        shared_people({name: [case(name, "s1")] for name in "ab"}, {})


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_datasets_that_may_overlap_are_a_warning_in_either_order(studies, names):
    studies(a=Study(may_share=("b",)), b=Study())
    pairs, (finding,) = shared_people({name: [case(name, "s1")] for name in names}, {})
    assert pairs == []
    assert (finding.rule, finding.severity, finding.cases) == ("L6", "warning", ("a", "b"))
    assert "may show the same people" in finding.what


def test_a_run_on_one_dataset_asks_no_adapter(studies):
    studies()
    assert shared_people({"a": [case("a", "s1")]}, {}) == ([], [])
