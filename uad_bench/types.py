"""The data types that all stages share: Case, Scan, Resources, Component, Truth, Scored, Value. Frozen, without logic.

Axes are RAS+ everywhere: x grows to the subject's right, y to the front, z upwards. Images are (C, X, Y, Z),
one channel a modality; masks and anomaly maps are (X, Y, Z). An axial slice is `image[:, :, :, z]`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from uad_bench.support.deprecation import renamed_fields

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
Affine = npt.NDArray[np.float64]
#: What a method may learn from, by the name of the track. Methods of different tracks never share a ranking; a method
#: that learns from several of these belongs to the last of them.
TRACKS: Mapping[str, str] = {
    "healthy": "healthy training scans only",
    "features": "healthy training scans, with weights of a network that was trained on other data",
    "synthetic": "healthy training scans, and synthetic anomalies in them",
    "transductive": "healthy training scans, and all scans of a test set at once, without labels",
    "weak": "labels of whole images: which of them show a lesion",
}
#: The tracks of methods that may score whole test sets.
SET_TRACKS = ("transductive", "weak")
#: The track of methods that declare none, and of runs of versions without tracks.
USUAL_TRACK = "healthy"
#: The name that the first phase of a training has where its method gives none.
UNNAMED_PHASE = "phase0"
#: The two transforms of a NIfTI header from voxels to the world.
Orientation = Literal["sform", "qform"]


@renamed_fields(mask_cut="mask_threshold", masks_apart="allow_other_mask_grid")
@dataclass(frozen=True)
class Case:
    """What exists on disk for one imaging session: paths only, no voxels.

    `images` maps a modality (t1, t2, flair, pd) to its file. `lesion_kind` is a word that groups lesions of
    one sort within a dataset ("tumour"); empty where the dataset knows no kinds. `lesion_labels` are the
    integer values of the lesion mask that count as lesion; empty means every value above zero that is not ignored.
    `ignored_labels` are values that are neither lesion nor healthy: those voxels are not evaluated.
    `known_labels`: the values that lesion masks may have; another one is an error; empty: any value.
    `mask_threshold`: masks hold fractions (of a linear warp); voxels of the lesion mask above this count, and those of
    the brain mask above 0.5; None: fractions are an error. `allow_other_mask_grid`: masks may lie on a grid of their
    own, by their world coordinates.
    `stripped`: True for scans that hold the brain alone, False for whole heads, None where nobody knows.
    `orientation`: the transform that is read of headers that have both; None: the sform, and an error where the qform
    exchanges left and right. `site` and `scanner` are words, "" where unknown; `age` is in years, `sex` is "f" or "m",
    None where unknown.
    """

    dataset: str
    case_id: str
    subject_id: str
    images: Mapping[str, Path]
    healthy: bool
    lesion_mask: Path | None = None
    brain_mask: Path | None = None
    lesion_kind: str = ""
    lesion_labels: tuple[int, ...] = ()
    ignored_labels: tuple[int, ...] = ()
    mask_threshold: float | None = None
    allow_other_mask_grid: bool = False
    stripped: bool | None = None
    site: str = ""
    scanner: str = ""
    age: float | None = None
    sex: str | None = None
    orientation: Orientation | None = None
    known_labels: tuple[int, ...] = ()


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A view that cannot be made writable again, because the array below it is read-only now too."""
    array.flags.writeable = False
    return array.view()


@dataclass(frozen=True)
class Scan:
    """One prepared scan: everything that a method gets of a case. Arrays are read-only.

    image: float32 (C, X, Y, Z), background 0; brain_mask: bool (X, Y, Z); affine: (4, 4), voxel to world in
    mm, RAS+; spacing: voxel size (x, y, z) in mm; modalities: one word a channel, in the protocol's order;
    case_id: seeds random draws. It may name a group of cases, and a method must not use it otherwise.
    """

    case_id: str
    modalities: tuple[str, ...]
    image: FloatArray
    brain_mask: BoolArray
    affine: Affine
    spacing: tuple[float, float, float]

    def __post_init__(self) -> None:
        for name in ("image", "brain_mask", "affine"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))

    @property
    def shape(self) -> tuple[int, int, int]:
        """The grid (X, Y, Z)."""
        x, y, z = self.brain_mask.shape
        return x, y, z


@dataclass(frozen=True)
class Resources:
    """What one run of a method needs: a GPU or not, main memory in GiB, hours. Engines place runs by it.

    >>> Resources(gpu=False, hours=0.1).memory_gib
    16.0
    """

    gpu: bool = True
    memory_gib: float = 16.0
    hours: float = 12.0


@dataclass(frozen=True)
class Component:
    """One component of an anomaly map, as `Method.components` returns it; for figures, never for metrics.

    values: float (X, Y, Z) on the scan's grid; (2, X, Y, Z) for a shift. kind: "value", any number; "intensity", on the
    scale of the scan's image; "shift", the displacement from each voxel to another position in its axial slice,
    along x and y in voxels. unit: label of the colour bar, "" for none.
    """

    values: FloatArray
    kind: Literal["value", "intensity", "shift"] = "value"
    unit: str = ""


@dataclass(frozen=True)
class Truth:
    """The lesion mask of a case, bool (X, Y, Z). Only evaluation has access to it.

    `lost` counts lesion voxels of the grid that the preparation could not keep inside the field of view.
    `ignored`, bool (X, Y, Z), marks voxels that are neither lesion nor healthy; None: there are none.
    """

    case_id: str
    lesion_mask: BoolArray
    lost: int = 0
    ignored: BoolArray | None = None


@dataclass(frozen=True)
class Scored:
    """An anomaly map with its lesion mask: what a metric gets. All arrays (X, Y, Z) on the scan's grid.

    map: float32, finite inside the brain, higher = more anomalous, any range. brain_mask: the region of interest
    after post-processing; whole_brain: the scan's own brain mask, None where it is the same. ignored: voxels that are
    neither lesion nor healthy, in no region that a number is made from; None: there are none. lost: lesion voxels that
    the preparation could not keep on the grid; they count as missed. image: the prepared scan (C, X, Y, Z), for
    metrics that use intensities; strata: the groups of the case in addition to its lesion kind
    ({"site": "HH", "sex": "f"}).
    """

    case_id: str
    map: FloatArray
    brain_mask: BoolArray
    lesion_mask: BoolArray
    spacing: tuple[float, float, float]
    healthy: bool = False
    lesion_kind: str = ""
    lost: int = 0
    whole_brain: BoolArray | None = None
    image: FloatArray | None = None
    strata: Mapping[str, str] = field(default_factory=dict)
    ignored: BoolArray | None = None


@dataclass(frozen=True)
class Value:
    """The value of a metric: a finite number, or None with the reason why it is undefined."""

    value: float | None
    reason: str = ""
    extra: Mapping[str, float] = field(default_factory=dict)
