"""Where the files of a prediction are, see `files`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from uad_bench.pipeline.predict.model import TrainedModel
from uad_bench.results import bids

ENTITIES = re.compile(r"sub-[A-Za-z0-9]+(_[a-z]+-[A-Za-z0-9]+)*")


@dataclass(frozen=True)
class Output:
    """Where predictions of a model go. prepared: with the raw map on the protocol's grid; sheet: with a picture."""

    to: Path
    prepared: bool = False
    sheet: bool = True


@dataclass(frozen=True)
class Paths:
    """The files of one prediction: the map, the brain mask, the raw map on the protocol's grid and the picture."""

    map: Path
    mask: Path
    raw: Path
    picture: Path

    def wanted(self, output: Output) -> Sequence[Path]:
        """The files that a prediction has with these options, without sidecars."""
        return [
            self.map,
            self.mask,
            *([self.raw] if output.prepared else []),
            *([self.picture] if output.sheet else []),
        ]


def stem(case_id: str) -> str:
    """The case in BIDS names: its id where that consists of BIDS entities, else `sub-` and its letters and digits.

    >>> stem("sub-01_ses-2_acq-iso"), stem("patient1_study1")
    ('sub-01_ses-2_acq-iso', 'sub-patient1study1')
    """
    return case_id if ENTITIES.fullmatch(case_id) else f"sub-{bids.value(case_id)}"


def paths_of(to: Path, case_id: str, model: TrainedModel) -> Paths:
    """The files of a case. The name of the map tells it from the raw map that `export` writes."""
    space, method = (bids.value(word) for word in (model.spec.protocol.name, model.spec.method))
    scored = _path(to, case_id, f"desc-{method}postprocessed_scoremap")
    return Paths(
        scored,
        _path(to, case_id, f"desc-{method}brain_mask"),
        _path(to, case_id, f"space-{space}_desc-{method}raw_scoremap"),
        scored.with_name(scored.name.removesuffix(".nii.gz") + ".png"),
    )


def _path(to: Path, case_id: str, rest: str) -> Path:
    name = stem(case_id)
    folders = [part for part in name.split("_") if part.startswith(("sub-", "ses-"))]
    return to.joinpath(*folders, "anat", f"{name}_{rest}.nii.gz")
