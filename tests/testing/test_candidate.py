"""Candidates make plug-ins with quick parameters, and report what cannot be checked."""

from dataclasses import dataclass

import numpy as np
import pytest

from tests.helpers.sound_plugins import SoundDataset, SoundMethod
from uad_bench.errors import DataError
from uad_bench.testing import DatasetCandidate, MethodCandidate, NotChecked
from uad_bench.testing.candidate import broken


@dataclass
class NoMap(SoundMethod):
    def score(self, scan, ctx):
        raise ValueError("no map")


def test_a_method_is_made_with_the_given_parameters_and_fitted_once():
    candidate = MethodCandidate("sound", SoundMethod, {"weight": 2.0})
    assert candidate.new().weight == 2.0
    assert candidate.first_fit is candidate.first_fit
    scan = candidate.fresh_scans(1)[0]
    expected = 2 * scan.image[0] + candidate.first_fit[0].mean_
    np.testing.assert_allclose(candidate.reference[scan.brain_mask], expected[scan.brain_mask], rtol=1e-6)
    assert not candidate.reference[~scan.brain_mask].any()


def test_fresh_scans_are_in_no_training_set():
    candidate = MethodCandidate("sound", SoundMethod)
    assert {scan.case_id for scan in candidate.fresh_scans(3)} == {"fresh-000", "fresh-001", "fresh-002"}


def test_a_method_without_a_map_has_no_reference():
    with pytest.raises(NotChecked, match="depends on the promise `map`"):
        _ = MethodCandidate("none", NoMap).reference


def test_a_dataset_without_a_folder_is_not_checked():
    with pytest.raises(NotChecked, match=r"no folder is known for dataset 'sound'.*--data"):
        _ = DatasetCandidate("sound", SoundDataset).folder


def test_a_dataset_of_which_no_case_can_be_paired_is_not_checked(tmp_path):
    class Hopeless(SoundDataset):
        def discover(self, root):
            yield DataError("no mask", where="a", hint="copy it again")

    with pytest.raises(NotChecked, match="can be paired: no mask"):
        _ = DatasetCandidate("hopeless", Hopeless, root=tmp_path).cases


def test_the_error_of_a_check_is_one_line_with_a_code():
    error = broken("mine", "a map", "a list", "return a map")
    assert (error.code, str(error)) == ("UB410", "mine: expected a map, found a list: return a map")
