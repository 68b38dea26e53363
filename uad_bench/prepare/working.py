"""What the preparation steps hand to each other, and what a step is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from uad_bench.data.volumes import Image, Mask
from uad_bench.errors import DataError, UsageError


@dataclass(frozen=True, eq=False)
class Working:
    """A case between two steps. Every volume has its own affine: grids may differ until `resample`.

    images: by modality, in the protocol's order. lost: lesion voxels of the grid left outside the field of
    view. figures: what the last step has to say for the record, any JSON value.
    """

    case_id: str
    images: Mapping[str, Image]
    brain_mask: Mask | None = None
    lesion_mask: Mask | None = None
    lost: int = 0
    figures: Mapping[str, Any] = field(default_factory=dict)

    def brain(self) -> Mask:
        """The brain mask. Raises UsageError where no step before has settled it."""
        if self.brain_mask is None:
            hint = "put the step 'brain_mask' first"
            raise UsageError("a step needs the brain mask", where=self.case_id, hint=hint)
        return self.brain_mask

    def fault(self, what: str, hint: str, code: str) -> DataError:
        """The error of this case, to be raised."""
        return DataError(what, where=self.case_id, hint=hint, code=code)


class Step(BaseModel):
    """One named preparation step: its fields are its parameters, `apply` a pure function of the case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def apply(self, working: Working) -> Working:
        """The case after this step, with `figures` for the record."""
        raise NotImplementedError
