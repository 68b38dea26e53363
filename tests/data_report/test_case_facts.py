"""Report on a prepared case: its measures are computed from the files, independently of the record."""

import inspect
from dataclasses import replace
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from uad_bench.data.nifti.read import Volume
from uad_bench.data_report.case_facts import REGISTRATION, case_report
from uad_bench.prepare.cache.prepared_case import prepare_case
from uad_bench.prepare.registration import atlas as atlases
from uad_bench.prepare.registration import quality

STEPS = [
    {"step": "canonical"},
    {"step": "brain_mask"},
    {"step": "resample", "spacing": [2, 2, 2], "shape": [26, 28, 24]},
    {"step": "scale"},
]


@pytest.fixture
def ready(toy_case, tmp_path):
    """ready(...) -> the toy case prepared at 2 mm, its files still there."""

    def make(**changes):
        return prepare_case(toy_case(**changes), ["t2"], STEPS, tmp_path / "cache")

    return make


def with_step(ready, step, **figures):
    """The case with a further step of this name in its record."""
    entry = {"step": step, "atlas": "any", "figures": figures}
    return replace(ready, record={**ready.record, "steps": [*ready.record["steps"], entry]})


def test_volumes_are_measured_in_the_space_of_the_source_file(ready):
    facts = case_report(ready()).facts
    assert facts.listed == {
        "lesion in file, ml": pytest.approx(0.125), "lesion prepared, ml": pytest.approx(0.128),
        "lesions": 1, "lesions left": 1,
    }  # fmt: skip
    assert facts.compared["brain, ml"] == pytest.approx(33.5, rel=0.03)  # a ball of 20 mm
    assert facts.compared["brain kept, %"] == pytest.approx(100, abs=3)
    assert (facts.case_id, facts.label) == ("toy-1", "lesion")
    assert not [text for text in facts.warnings if "lesion" in text]


def test_volumes_do_not_change_by_a_registration(ready):
    bigger = np.diag([1.5, 1.2, 1.0, 1.0])
    one = ready()
    affine = (bigger @ np.array(one.record["affine"])).tolist()
    registered = replace(one, record={**one.record, "affine": affine, "to_atlas": bigger.tolist()})
    assert case_report(registered).facts.listed == pytest.approx(case_report(one).facts.listed)
    assert case_report(registered).facts.compared == pytest.approx(case_report(one).facts.compared)


def test_a_lost_lesion_is_detected_independently_of_the_record(ready, toy_case, tmp_path):
    one = ready()
    masks = np.zeros((48, 52, 46), np.uint8)
    masks[10:14, 26:30, 20:24] = masks[33:36, 29:32, 19:22] = 1
    path = one.case.lesion_mask
    nib.save(
        nib.Nifti1Image(masks, nib.load(path).affine), path
    )  # now two lesions, of which one was prepared
    facts = case_report(one).facts
    assert (facts.listed["lesions"], facts.listed["lesions left"]) == (2, 1)
    assert facts.warnings[-1] == "1 of 2 lesions have no voxel left"


def test_a_changed_lesion_volume_is_a_warning(ready):
    one = ready()
    path = one.case.lesion_mask
    image = nib.load(path)
    masks = np.zeros(image.shape, np.uint8)
    masks[25:41, 22:38, 12:28] = 1
    nib.save(nib.Nifti1Image(masks, image.affine), path)
    assert case_report(one).facts.warnings[-1] == "lesion volume 4.10 ml in the file, 0.13 ml prepared"


def test_healthy_cases_have_no_lesion_measures(ready):
    facts = case_report(ready(lesion=False)).facts
    assert facts.listed == {} and facts.label == "healthy"


def test_warnings_of_all_steps_are_listed_once_and_registration_measures_are_shown(ready, monkeypatch):
    one = with_step(ready(), "n4", warnings=["field from 0.2 to 3"])
    said = ["Dice 0.93", "field from 0.2 to 3"]
    one = with_step(one, "register", dice=0.951, rotation_degrees=11.0, scales=[0.8, 0.9, 1.0], start=3,
                       verdict="warn", warnings=said)  # fmt: skip
    monkeypatch.setattr(atlases, "load_atlas", lambda _: toy_atlas(one.scan()))
    facts = case_report(one).facts
    assert facts.warnings[-2:] == ("field from 0.2 to 3", "Dice 0.93")
    assert len(set(facts.warnings)) == len(facts.warnings)
    expected = {"Dice to atlas": 0.951, "rotation, degrees": 11.0, "scale least": 0.8, "scale most": 1.0}
    assert expected.items() <= facts.compared.items()
    assert not {"start", "verdict"} & set(facts.compared)


def test_the_measures_on_the_page_exist_in_the_registration():
    source = inspect.getsource(quality)
    assert [name for name in (*REGISTRATION, "scales") if f'"{name}"' not in source] == []


def toy_atlas(scan):
    """Two halves: bright on the right."""
    brain = np.where(scan.brain_mask, 1.0, 0).astype(np.float32)
    brain[14:] *= 3
    return SimpleNamespace(brain=Volume(brain, scan.affine), mask=Volume(scan.brain_mask, scan.affine))


def test_medians_are_of_white_matter_for_registered_cases(ready, monkeypatch):
    plain = case_report(ready())
    scan = ready().scan()
    assert plain.facts.compared["brain median t2"] == pytest.approx(np.median(scan.image[0][scan.brain_mask]))
    monkeypatch.setattr(atlases, "load_atlas", lambda _: toy_atlas(scan))
    found = case_report(with_step(ready(), "register")).facts.compared
    white = scan.brain_mask.copy()
    white[:14] = False
    assert found["WM median t2"] == pytest.approx(np.median(scan.image[0][white]))
    assert "brain median t2" not in found


def test_intensities_before_are_those_of_the_source_file_and_after_the_prepared_ones(ready):
    one = case_report(ready())
    shown = one.before["t2"]
    places = np.linspace(shown.low, shown.high, len(shown.shares))
    assert shown.high == pytest.approx(100, abs=1)
    inside = np.array(shown.shares)[places > 50]
    assert inside.sum() > 0.95 and inside.max() < 0.06  # uniform, and only the rim meets the background
    low, middle, high = one.after["t2"]
    assert 0 <= low < middle < high <= 1


def test_missing_source_files_are_a_warning_and_the_rest_is_reported(ready):
    one = ready()
    one.case.images["t2"].unlink()
    found = case_report(one)
    assert found.before == {} and found.facts.listed == {}
    assert "the source files cannot be read: cannot read the file" in found.facts.warnings[-1]
    assert "toy-1_t2" in found.facts.warnings[-1]
    assert "brain, ml" in found.facts.compared
