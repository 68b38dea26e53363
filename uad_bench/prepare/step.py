"""What the preparation steps hand to each other, and what a step is."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from uad_bench.data.nifti.read import Image, Mask
from uad_bench.errors import DataError, UsageError
from uad_bench.types import Affine, Scan


@dataclass(frozen=True, eq=False)
class Working:
    """A case between two steps. Every volume has its own affine: grids may differ until `resample`.

    images: by modality, in the protocol's order. ignored: voxels that are not to be evaluated. stripped: see
    `types.Case`. to_atlas: affine (4, 4) from the world of the files to the world that the volumes' affines
    lead to now; steps that move the world (`register`) change all affines and this one alike. lost: lesion
    voxels of the grid left outside the field of view. figures: what the last step has to say for the record,
    any JSON value; its key "warnings" holds sentences for a person.
    """

    case_id: str
    images: Mapping[str, Image]
    brain_mask: Mask | None = None
    lesion_mask: Mask | None = None
    ignored: Mask | None = None
    stripped: bool | None = None
    to_atlas: Affine = field(default_factory=lambda: np.eye(4))
    lost: int = 0
    figures: Mapping[str, Any] = field(default_factory=dict)

    def brain(self) -> Mask:
        """The brain mask. Raises UsageError where no step before has settled it."""
        if self.brain_mask is None:
            hint = "put the step 'brain_mask' first"
            raise UsageError("a step needs the brain mask", where=self.case_id, hint=hint)
        return self.brain_mask

    def everywhere(
        self,
        of_image: Callable[[Image], Image],
        of_mask: Callable[[Mask], Mask],
        **more: Any,
    ) -> "Working":
        """The case with one function applied to each image, another to each of its masks; `more` fields too."""
        masks = {"brain_mask": self.brain_mask, "lesion_mask": self.lesion_mask, "ignored": self.ignored}
        changed: dict[str, Any] = {name: of_mask(mask) for name, mask in masks.items() if mask is not None}
        images = {name: of_image(image) for name, image in self.images.items()}
        return replace(self, images=images, **(changed | more))

    def fault(self, what: str, hint: str, code: str) -> DataError:
        """The error of this case, to be raised."""
        return DataError(what, where=self.case_id, hint=hint, code=code)


class Step(BaseModel):
    """One named preparation step: its fields are its parameters, `apply` a pure function of the case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def apply(self, working: Working) -> Working:
        """The case after this step, with `figures` for the record."""
        raise NotImplementedError

    @property
    def wants_fit(self) -> bool:
        """Whether this step must learn from training scans before it can be applied."""
        return False

    @property
    def was_fitted(self) -> bool:
        """Whether some of this step's parameters were learnt from training scans."""
        return False

    def fitted(self, scans: Iterable[Scan]) -> "Step":
        """This step with what it learnt from prepared training scans (all steps before it applied)."""
        raise NotImplementedError
