"""What a user says of the scans for a trained model, checked before any of them is read."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, get_args

from uad_bench.data.scan_cases import ScanFiles
from uad_bench.data.scan_files import find_scans
from uad_bench.data.scan_names import BRAIN_MASK, MODALITIES
from uad_bench.errors import UsageError, unknown_name
from uad_bench.pipeline.predict.model import TrainedModel
from uad_bench.pipeline.predict.predict import ScanFacts
from uad_bench.types import Orientation

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScanOptions:
    """The options of `predict` about scans; "" or None where nothing is said."""

    modality: str = ""
    brain_mask: str = ""
    case_id: str = ""
    stripped: bool | None = None
    orientation: str = ""

    @property
    def facts(self) -> ScanFacts:
        """What holds of all scans. Raises UsageError for another orientation than sform and qform (UB202)."""
        if self.orientation not in ("", *get_args(Orientation)):
            what = f"--orientation {self.orientation!r}"
            raise UsageError(what, hint="write sform or qform", code="UB202")
        return ScanFacts(self.stripped, cast("Orientation", self.orientation) if self.orientation else None)


def scans_of(model: TrainedModel, paths: Sequence[Path], said: ScanOptions) -> list[ScanFiles]:
    """The cases of files and folders for a model.

    Raises as `find_scans`, and UsageError for an unknown modality (UB201), for one that the model does not take and for
    a brain mask of several scans (UB250).
    """
    wanted = model.spec.protocol.modalities
    if said.modality and said.modality not in MODALITIES.values():
        raise unknown_name("modality", said.modality, set(MODALITIES.values()))
    if said.modality and said.modality not in wanted:
        what = f"the model takes {', '.join(wanted)}, not {said.modality}"
        hint = "give scans of that modality, or a model of another protocol"
        raise UsageError(what, where=model.run.name, hint=hint, code="UB250")
    found = _with_mask(find_scans(paths, wanted, said.modality, said.case_id), said)
    for one in found:
        if BRAIN_MASK in one.files:
            log.info("%s: brain mask %s", one.case_id, one.files[BRAIN_MASK].name)
    return found


def _with_mask(found: list[ScanFiles], said: ScanOptions) -> list[ScanFiles]:
    """The scans, the only one with the brain mask that the user names."""
    if not said.brain_mask:
        return found
    mask = Path(said.brain_mask)
    if len(found) != 1:
        hint = "place each mask beside its image, with the same name but _brain_mask at the end"
        raise UsageError(f"one brain mask for {len(found)} scans", where=mask.name, hint=hint, code="UB250")
    if not mask.is_file():
        raise UsageError("no such file", where=str(mask), hint="give the brain mask of the scan")
    return [replace(found[0], files={**found[0].files, BRAIN_MASK: mask})]
