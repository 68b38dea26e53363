"""Every step check finds the step that breaks its promise, and only that check."""

import random
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from pydantic import Field

from uad_bench.data.nifti.read import Volume
from uad_bench.errors import UsageError
from uad_bench.prepare.step import Step
from uad_bench.prepare.steps.histogram import Histogram
from uad_bench.prepare.steps.scale import Scale
from uad_bench.testing import STEP_CHECKS, StepCandidate, check_step, toy_volumes


class Double(Step):
    """Doubles the intensities."""

    step: Literal["double"] = "double"
    factor: float = 2.0

    def apply(self, case):
        return self.mapped(case, lambda array: array * np.float32(self.factor))

    def mapped(self, case, change, **more):
        images = {name: Volume(change(image.array), image.affine) for name, image in case.images.items()}
        return replace(case, images=images, figures={"factor": self.factor}, **more)


class Learns(Double):
    """Learns its factor from the training scans."""

    step: Literal["learns"] = "learns"
    factor: float = 0.0

    @property
    def needs_fit(self):
        return self.factor == 0.0

    @property
    def is_fitted(self):
        return self.factor != 0.0

    def fitted(self, scans):
        return Learns(factor=float(np.mean([scan.image.mean() for scan in scans])))


class KeepsItsOldParameters(Learns):
    def fitted(self, scans):
        return self


class LearnsAtRandom(Learns):
    def fitted(self, scans):
        return type(self)(factor=random.random() + 1)


class HiddenParameter(Double):
    secret: float = Field(1.0, exclude=True)


class Nameless(Step):
    def apply(self, case):
        return case


class AcceptsAnything(Double):
    model_config = {"extra": "allow"}


class Mutable(Double):
    model_config = {"frozen": False}


class DropsModality(Double):
    def apply(self, case):
        return replace(case, images={"t1": case.images["t1"]}, figures={})


class Writes(Double):
    def apply(self, case):
        for image in case.images.values():
            image.array[...] *= 2
        return replace(case, figures={})


class Draws(Double):
    def apply(self, case):
        return self.mapped(case, lambda array: array + np.float32(random.random()))


class NumpyFigures(Double):
    def apply(self, case):
        return replace(super().apply(case), figures={"mean": np.float32(1)})


class OneWarning(Double):
    def apply(self, case):
        return replace(super().apply(case), figures={"warnings": "the image is dark"})


class Widens(Double):
    def apply(self, case):
        return self.mapped(case, lambda array: array.astype(np.float64))


class Divides(Double):
    def apply(self, case):
        with np.errstate(all="ignore"):
            return self.mapped(case, lambda array: array / array)


class FractionalMask(Double):
    def apply(self, case):
        mask = case.brain_mask
        return replace(super().apply(case), brain_mask=Volume(mask.array.astype(np.float32), mask.affine))


class LosesMask(Double):
    def apply(self, case):
        return replace(super().apply(case), ignored=None)


class InventsLesions(Double):
    def apply(self, case):
        return replace(super().apply(case), lesion_mask=case.lesion_mask or case.brain_mask)


class MovesImagesAlone(Double):
    def apply(self, case):
        shift = np.eye(4)
        shift[0, 3] = 50
        done = super().apply(case)
        images = {name: Volume(image.array, shift @ image.affine) for name, image in done.images.items()}
        return replace(done, images=images)


class Mirrors(Double):
    def apply(self, case):
        def mirrored(volume):
            return Volume(volume.array[::-1].copy(), volume.affine)

        return case.transformed(mirrored, mirrored, figures={})


class BreaksAffine(Double):
    def apply(self, case):
        def flat(volume):
            return Volume(volume.array, volume.affine * [[0], [1], [1], [1]])

        return case.transformed(flat, flat, figures={})


BROKEN = {
    Nameless: "parameters",
    AcceptsAnything: "parameters",
    Mutable: "parameters",
    DropsModality: "result",
    Writes: "case_stays_untouched",
    Draws: "same_result_again",
    NumpyFigures: "figures",
    OneWarning: "figures",
    Widens: "images",
    Divides: "images",
    FractionalMask: "masks",
    LosesMask: "masks",
    InventsLesions: "healthy_case",
    MovesImagesAlone: "grids",
    BreaksAffine: "grids",
    Mirrors: "places",
    KeepsItsOldParameters: "fit",
    LearnsAtRandom: "fit",
}
ALSO = {
    Draws: {"process_stays_untouched"},
    LearnsAtRandom: {"process_stays_untouched"},
    BreaksAffine: {"places"},
    DropsModality: {"images", "grids"},
}


def broken(step):
    return {result.promise for result in check_step(step) if not result.ok}


@pytest.mark.parametrize(
    "step", [Double, Learns, Double(factor=3), "scale", {"step": "scale", "clip": False}]
)
def test_a_sound_step_keeps_every_promise_that_applies(step):
    status = {result.promise: result.status for result in check_step(step)}
    assert len(status) == len(STEP_CHECKS)
    assert status.pop("fit") == ("kept" if step is Learns else "not checked")
    assert set(status.values()) == {"kept"}


@pytest.mark.parametrize(("cls", "promise"), BROKEN.items(), ids=lambda x: getattr(x, "__name__", x))
def test_the_check_finds_the_one_broken_promise(cls, promise):
    found = broken(cls)
    assert promise in found
    assert found <= {promise} | ALSO.get(cls, set())


def test_a_parameter_that_is_not_recorded_is_found():
    assert broken(HiddenParameter()) == set()
    assert broken(HiddenParameter(secret=3)) == {"parameters"}


def test_a_step_is_applied_to_the_case_that_is_given():
    flat = toy_volumes()
    images = {name: replace(image, array=np.ones_like(image.array)) for name, image in flat.images.items()}
    status = {result.promise: result for result in check_step("scale", replace(flat, images=images))}
    assert status["result"].status == "not checked"
    assert "no contrast inside the brain in t1" in status["result"].message
    assert status["figures"].message == "it depends on the promise `result`"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("scales", "did you mean scale"),
        ({"step": "scale", "clipp": 1}, "did you mean clip"),
        ("resample", "spacing"),
    ],
)
def test_an_unknown_step_or_parameter_is_an_error(step, words):
    with pytest.raises(UsageError, match=words):
        check_step(step)


def test_a_step_that_learns_is_fitted_to_the_modalities_of_the_case():
    assert set(StepCandidate("histogram", Histogram()).ready.landmarks) == {"t1", "t2"}
    assert StepCandidate("scale", Scale()).ready == Scale()
