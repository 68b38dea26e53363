"""All cases of a dataset: one bad case never hides another."""

from dataclasses import replace

import numpy as np

from tests.helpers.inspected_cases import SHAPE, WIDE, broken_set
from uad_bench.data.inspect.findings import Finding
from uad_bench.data.inspect.report import as_lines
from uad_bench.data.inspect.survey import survey


def texts(found, kind):
    return [finding.text for finding in found.overall if kind in finding.kind]


def test_f28_duplicate_case_ids_and_subjects_with_several_cases(make):
    found = survey([make("a1"), make("a1"), make("b1", subject_id="s"), make("b2", subject_id="s")])
    assert (
        texts(found, "duplicates") == [finding.text for finding in found.errors]
        and "a1" in found.errors[0].text
    )
    assert "s: 2 cases, b1, b2" in texts(found, "several")[0]


def test_f29_the_same_voxels_under_two_ids_in_files_of_other_types(make, write_nifti):
    image = np.random.default_rng(1).integers(1, 9, SHAPE).astype(np.float32)
    one, other = make("a1", image=image), make("b1", image=image)
    plain = write_nifti("b1.nii", image.astype(np.int16))
    found = survey([one, replace(other, images={"t2": plain}), make("c1")])
    assert texts(found, "same voxels") == ["a1 t2 = b1 t2"]
    assert not found.errors


def test_one_lesion_mask_file_of_two_subjects_is_a_warning(make):
    one, two = make("one"), make("two", seed=1)
    again = replace(one, case_id="one-b")
    found = survey([one, again, replace(two, lesion_mask=one.lesion_mask)])
    (text,) = texts(found, "lesion masks of several subjects")
    assert text == "one_lesion.nii.gz: one-b, two"
    assert not texts(survey([one, again, two]), "lesion masks of several subjects")


def test_f32_an_id_that_could_escape_its_folder_is_reported_with_all_other_findings(make):
    bad = replace(make("a1"), case_id="../x\x1b[2J\n")
    found = survey([bad, make("b1")])
    assert [finding.exit_code for finding in found.errors] == [5]
    assert "\x1b" not in "".join(as_lines(found))


def test_one_bad_case_never_hides_another(make):
    found = survey(broken_set(make))
    assert [len(one.findings) for one in found.cases] == [0, 1, 1, 1, 1, 0]
    assert len(found.errors) == 4


def test_findings_do_not_depend_on_the_number_of_workers(make):
    cases, calls = broken_set(make, WIDE), []
    alone = survey(cases)
    assert survey(cases, workers=2, progress=lambda *now: calls.append(now)) == alone
    assert calls == [(i, 6) for i in range(1, 7)]


def test_findings_of_the_adapter_are_in_the_same_report(make):
    findings = [
        Finding("remarks", "x: a sheet names it twice"),
        Finding("duplicates", "y: two files", "", 3),
    ]
    found = survey([make()], findings)
    assert (found.unpaired, len(found.errors)) == (1, 1)
    text = "\n".join(as_lines(found))
    assert "two files" in text and "a sheet names it" in text and "1 more cannot be paired" in text
