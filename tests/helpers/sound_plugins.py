"""Plug-ins that keep every promise; tests derive classes that break one each."""

from dataclasses import dataclass

import numpy as np

from uad_bench import Case, DatasetAdapter, Method, Metric, Value
from uad_bench.errors import DataError


@dataclass
class SoundMethod(Method):
    """The mean over modalities plus the mean training intensity."""

    weight: float = 1.0
    deterministic = True

    def fit(self, train, val, ctx):
        self.mean_ = float(np.mean([scan.image.mean() for scan in train]))

    def score(self, scan, ctx):
        return self.weight * scan.image.mean(axis=0) + self.mean_


@dataclass
class SoundDataset(DatasetAdapter):
    """Reads NAME_t2.nii.gz and NAME_lesion.nii.gz."""

    name = "sound"
    modalities = ("t2",)

    def discover(self, root):
        paths = sorted(root.glob("*_t2.nii.gz"))
        if not paths:
            raise DataError("no case here", where=str(root))
        return iter([self.case(path) for path in paths])

    def case(self, path):
        case_id = path.name.removesuffix("_t2.nii.gz")
        lesion = path.with_name(f"{case_id}_lesion.nii.gz")
        mask = lesion if lesion.exists() else None
        return Case("sound", case_id, case_id, {"t2": path}, healthy=mask is None, lesion_mask=mask)


class SoundMetric(Metric):
    """Mean score of lesion voxels in the brain minus that of the other voxels, a metric per case."""

    name = "sound"
    summary = "difference of mean scores"
    value_range = "[-1, 1]"

    def case(self, view):
        scored = view.scored
        if not scored.brain_mask.any():
            return Value(None, "empty_brain")
        lesion = scored.brain_mask & scored.lesion_mask
        other = scored.brain_mask & ~scored.lesion_mask
        if not lesion.any() or not other.any():
            return Value(None, "no_positive" if other.any() else "no_negative")
        return Value(float(scored.map[lesion].mean() - scored.map[other].mean()))
