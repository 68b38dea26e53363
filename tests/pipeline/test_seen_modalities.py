"""NAME@t1: a method sees some of a protocol's modalities alone, in training, at scoring and in `predict`."""

from pathlib import Path

import numpy as np
import pytest

from tests.helpers import toy_two
from tests.helpers.runs import execute
from uad_bench.errors import UsageError
from uad_bench.leaderboard.collect import collect
from uad_bench.method.base import Method
from uad_bench.pipeline.matrix import Matrix
from uad_bench.pipeline.method_names import changed_parameters, find_method
from uad_bench.pipeline.predict.model import open_model
from uad_bench.pipeline.predict.prediction import raw_map
from uad_bench.pipeline.trained.key import model_key
from uad_bench.results.run_cases import available_members, rows_of_tests

HELPERS = Path(toy_two.__file__).parent
DATA = str(HELPERS / "toy_two.py")


def specs(*methods, modalities=("t1", "t2")):
    """Runs of methods of toy_two.py, or of registered ones, on the toy cohort of two modalities."""
    names = [f"{HELPERS / 'toy_two.py'}:{m}" if m[0].isupper() else m for m in methods]
    settings = [
        (["protocol", "train"], DATA), (["protocol", "test"], [DATA]), (["protocol", "modalities"], list(modalities)),
        (["protocol", "splits", "tune"], {DATA: 0.4}),
    ]  # fmt: skip
    return Matrix(names, (0,), str(HELPERS / "toy.yaml"), (), settings=settings).specs()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return toy_two.make(tmp_path_factory.mktemp("two"))


@pytest.fixture
def two(place, root):
    """A workplace that knows the dataset of two modalities."""
    here = place()
    here.sources.roots["toy_two"] = root
    return here


def maps(run, members):
    return {m.case.case_id: run.read_map(m.case.dataset, m.case.case_id) for m in members}


def test_each_selection_is_a_row_of_its_own_on_the_same_cases(two):
    both, first, second = execute(specs("First", "First@t1", "First@t2"), two)
    members, left_out = available_members(both, rows_of_tests(both, (), ""), two.sources)
    assert members and not left_out
    found = [maps(run, members) for run in (both, first, second)]
    for member in members:
        name, scan = member.case.case_id, member.prepared.scan()
        assert np.array_equal(found[0][name], found[1][name])  # t1 is the first modality
        assert np.array_equal(found[2][name], np.where(scan.brain_mask, scan.image[1], 0))
    labels = [run.method for run in collect([both, first, second]).runs]
    assert labels == ["first", "first@t1", "first@t2"]
    fingerprints = {run.spec().protocol.fingerprint for run in (both, first, second)}
    assert len(fingerprints) == 1 and first.path.parent.name == "first@t1"


@pytest.mark.parametrize("limit", [None, 60.0])
def test_training_and_scoring_see_the_same_modalities(two, limit):
    here = two.__class__(two.out, two.sources, threads=1, case_timeout_s=limit)
    (run,) = execute(specs("First@t2"), here)
    model = open_model(run.path, trusted=[run.spec().target])
    assert model.method.seen_ == model.method.sliced_ == "t2"
    (member, *_), _ = available_members(run, rows_of_tests(run, (), ""), two.sources)
    raw = raw_map(model, member.prepared.scan())  # `predict` prepares every modality of the protocol
    assert np.array_equal(raw, run.read_map(member.case.dataset, member.case.case_id))


def test_models_of_two_selections_differ(two):
    runs = execute(specs("First@t1", "First@t2", "First"), two)
    assert len({model_key(run) for run in runs}) == 3
    assert len({open_model(run.path, trusted=[run.spec().target]).identity for run in runs}) == 3


def test_a_method_for_one_modality_takes_part_in_a_protocol_of_two(two):
    with pytest.raises(
        UsageError, match=r"takes t1, protocol 'toy' has t1, t2: write .*toy_two\.py:OnlyT1@t1, "
    ) as caught:
        specs("OnlyT1")
    assert caught.value.code == "UB204"
    with pytest.raises(UsageError, match="takes t1, and is to see t2"):
        specs("OnlyT1@t2")
    (run,) = execute(specs("OnlyT1@t1"), two)
    assert run.state == "complete"


@pytest.mark.parametrize("name", ["thresh@pd", "thresh@t1+t1", "thresh@t1+pd"])
def test_a_modality_that_the_protocol_lacks_or_that_stands_twice_is_refused(name):
    with pytest.raises(UsageError, match="write different ones of protocol 'toy': t1, t2") as caught:
        specs(name)
    assert caught.value.code == "UB204"


@pytest.mark.parametrize(
    ("name", "proper"),
    [("thresh@T1", "thresh@t1"), ("thresh@t1+", "thresh@t1"), ("paper/ae@t1,t2", "paper/ae@t1+t2")],
)
def test_what_names_no_modalities_after_a_method_is_said(name, proper):
    with pytest.raises(UsageError, match="names no modalities") as caught:
        specs(name)
    assert caught.value.code == "UB204" and f"such as {proper}" in str(caught.value)


def test_all_modalities_in_any_order_are_the_method_itself(caplog):
    caplog.set_level("INFO", "uad_bench")
    plain, one = specs("thresh", "thresh@t2+t1", "thresh:raw@t2")
    assert "1 of 3 runs have another name too" in caplog.text
    assert (
        specs("thresh@t2+t1") == [plain]
        and plain.modalities == ()
        and one.method == "thresh:raw@t2"
        and one.modalities == ("t2",)
    )
    assert one.run_id("c") != plain.run_id("c") and changed_parameters(one) == {}


def test_an_at_sign_of_a_path_is_no_selection(tmp_path):
    folder = tmp_path / "mail@home"
    folder.mkdir()
    (folder / "mine.py").write_text(Path(toy_two.__file__).read_text())
    found = find_method(f"{folder}/mine.py:First")
    assert issubclass(found.cls, Method) and found.modalities == ()
    assert find_method(f"{folder}/mine.py:First@t1").modalities == ["t1"]
