"""The contract of a preparation step, and the case that steps pass on to each other."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from uad_bench.data.nifti.read import Image, Mask
from uad_bench.errors import DataError, UsageError
from uad_bench.types import Affine, Scan


@dataclass(frozen=True, eq=False)
class CaseVolumes:
    """The volumes of a case between two steps. Each volume has its own affine: grids may differ until `resample`.

    images: by modality, in the protocol's order, float32 (X, Y, Z). brain_mask, lesion_mask, ignored (voxels that are
    not evaluated): bool (X, Y, Z), None where there is none. stripped: see `types.Case`. to_atlas: affine (4, 4) from
    the world coordinates of the files to those of the volumes now; a step that changes world coordinates (`register`)
    changes all affines and this one. lost: lesion voxels of the grid outside its field of view. figures: what the
    last step records, any JSON value; its key "warnings" is a list of sentences for the user. notes: what was read of
    the masks otherwise than a user may expect, each with the name of its file.
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
    notes: tuple[str, ...] = ()

    def brain(self) -> Mask:
        """The brain mask. Raises UsageError where there is none yet."""
        if self.brain_mask is None:
            hint = "put the step 'brain_mask' first"
            raise UsageError("a step needs the brain mask", where=self.case_id, hint=hint)
        return self.brain_mask

    def transformed(
        self,
        of_image: Callable[[Image], Image],
        of_mask: Callable[[Mask], Mask],
        **changes: Any,
    ) -> "CaseVolumes":
        """The case with one function applied to each image, another to each mask, and other fields changed."""
        masks = {"brain_mask": self.brain_mask, "lesion_mask": self.lesion_mask, "ignored": self.ignored}
        changed: dict[str, Any] = {name: of_mask(mask) for name, mask in masks.items() if mask is not None}
        images = {name: of_image(image) for name, image in self.images.items()}
        return replace(self, images=images, **(changed | changes))

    def error(self, what: str, hint: str, code: str) -> DataError:
        """A DataError that names this case, to be raised."""
        return DataError(what, where=self.case_id, hint=hint, code=code)


class Step(BaseModel):
    """One named preparation step: its fields are its parameters, `apply` is a pure function of the case.

    A step that learns parameters from training scans also defines `needs_fit`, `is_fitted` and `fitted`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case after this step, with `figures` for the record."""
        raise NotImplementedError

    @property
    def needs_fit(self) -> bool:
        """Whether this step must be fitted to training scans before it can be applied."""
        return False

    @property
    def is_fitted(self) -> bool:
        """Whether some parameters of this step were learnt from training scans."""
        return False

    def fitted(self, scans: Iterable[Scan]) -> "Step":
        """This step with the parameters learnt from training scans that were prepared by all steps before it."""
        raise NotImplementedError
