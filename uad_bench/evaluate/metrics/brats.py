"""The lesion-wise scores of BraTS 2023 (Moawad et al., arXiv:2306.00838, and the challenge's metrics.py), whole lesion.

1. The lesion mask is dilated by 3 mm (3 steps of 18 neighbours at 1 mm); lesions whose dilations touch are one.
2. A lesion is matched with every 26-connected finding that reaches into its dilation. Its Dice and HD95 compare
   the lesion as it is with all its findings together; without a finding they are 0 and 374 mm.
3. Lesions of at most 50 mm3 are left out. A finding that is matched with no lesion, not even with one that is left
   out, is a false positive: Dice 0, HD95 374 mm (about the diagonal of a BraTS image).
4. The score is the mean over lesions and false positives.

Departures: a case without a lesion has no value (there 1 and 0 where nothing is found); HD95 is that of edge voxels,
as `hd95` is (there weighted by the area of surface elements); at other voxel sizes the steps are those that come
nearest to 3 mm, at least one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.memoise import once
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.additive import Counted, Sums, of_case, predicted
from uad_bench.evaluate.metrics.connected_components import Components, Indices, edge
from uad_bench.evaluate.metrics.lesion import findings, lesions
from uad_bench.evaluate.metrics.surface import Points, between
from uad_bench.types import BoolArray, Scored, Value

DILATION_MM = 3.0
SMALLEST_MM3 = 50.0
MISSED_MM = 374.0


@dataclass(frozen=True)
class Merged:
    """The lesions of a case, those with touching dilations as one.

    zone: the components of the dilated mask, one a merged lesion; owner: the merged lesion of each lesion voxel, in
    the order of `lesions(scored).index`; counted: which are above 50 mm3, (zones,).
    """

    zone: Components
    owner: Indices
    counted: BoolArray


def _merged(scored: Scored) -> Merged:
    voxel = float(np.prod(scored.spacing))
    steps = max(1, round(DILATION_MM / voxel ** (1 / 3)))
    zone = Components.of(dilated(scored.lesion_mask, steps))
    owner = zone.at(lesions(scored).index)
    return Merged(zone, owner, np.bincount(owner, minlength=zone.n) * voxel > SMALLEST_MM3)


@dataclass(frozen=True)
class Matches:
    """Merged lesions and their findings: `lesion[i]` with `finding[i]`, sorted; `false` findings have none."""

    merged: Merged
    lesion: Indices
    finding: Indices
    false: int


def _matches(view: View) -> Matches:
    merged, found = once(of_case(view), _merged), findings(view)
    inside = merged.zone.at(found.index)
    both = inside[inside >= 0] * max(found.n, 1) + found.label[inside >= 0]
    lesion, finding = np.divmod(np.unique(both), max(found.n, 1))
    return Matches(merged, lesion, finding, found.n - np.unique(finding).size)


def lesion_dice(view: View) -> npt.NDArray[np.float64]:
    """The Dice of every merged lesion, small ones too, with its findings together, (zones,)."""
    matches, found = once(view, _matches), findings(view)
    owner, n = matches.merged.owner, matches.merged.zone.n
    hit = predicted(view).ravel()[lesions(of_case(view)).index]
    shared = np.bincount(owner[hit], minlength=n)
    called = np.bincount(matches.lesion, found.sizes[matches.finding], minlength=n)
    dice: npt.NDArray[np.float64] = 2 * shared / (np.bincount(owner, minlength=n) + called)
    return dice


def lesion_hd95(view: View) -> npt.NDArray[np.float64]:
    """The HD95 in mm of every merged lesion that counts, 374 where it has no finding; 0 for the small, (zones,)."""
    matches, scored = once(view, _matches), of_case(view)
    merged = matches.merged
    truth = _edges(lesions(scored), merged.owner, scored.lesion_mask, scored, merged.zone.n)
    found = _edges(findings(view), findings(view).label, predicted(view), scored, findings(view).n)
    distances = np.where(merged.counted, MISSED_MM, 0.0)
    matched = np.split(matches.finding, np.searchsorted(matches.lesion, np.arange(1, merged.zone.n)))
    for lesion in np.flatnonzero(merged.counted):
        if matched[lesion].size:
            points = np.concatenate([found[finding] for finding in matched[lesion]])
            distances[lesion] = between(points, truth[lesion]).hd95
    return distances


def _edges(parts: Components, label: Indices, mask: BoolArray, scored: Scored, n: int) -> list[Points]:
    """Edge voxels in mm of every part of a mask, by a label of each voxel: n arrays (k, 3)."""
    rim = edge(mask).ravel()[parts.index]
    order = np.argsort(label[rim], kind="stable")
    points = np.stack(np.unravel_index(parts.index[rim][order], parts.shape), 1) * np.array(scored.spacing)
    return np.split(points, np.searchsorted(label[rim][order], np.arange(1, n)))


def dilated(mask: BoolArray, steps: int) -> BoolArray:
    """The mask grown `steps` times by its 18 neighbours (faces and edges): generate_binary_structure(3, 2)."""
    for _ in range(steps):
        x, y = _grown(mask, 0), _grown(mask, 1)
        # The 18 neighbours and the voxel itself are the three squares across the axes, together.
        mask = _grown(x, 1) | _grown(x, 2) | _grown(y, 2)
    return mask


def _grown(mask: BoolArray, axis: int) -> BoolArray:
    grown = mask.copy()
    here, before = np.moveaxis(grown, axis, 0), np.moveaxis(mask, axis, 0)
    here[1:] |= before[:-1]
    here[:-1] |= before[1:]
    return grown


class BratsMetric(Counted):
    """Counts: the sum of scores, lesions above 50 mm3 and false positives, lesions of any size."""

    def of(self, sums: Sums) -> Value:
        if not sums[2]:
            return Value(None, "no_positive")
        return Value(float(sums[0] / sums[1])) if sums[1] else Value(None, "no_lesion_of_size")


class LesionDiceBrats(BratsMetric):
    """Mean Dice over lesions and false positives."""

    name = "lesion_dice_brats"
    summary = "lesion-wise Dice of BraTS 2023"

    def counts(self, view: View) -> Sums:
        matches = once(view, _matches)
        counted = matches.merged.counted
        total = lesion_dice(view)[counted].sum()
        return np.array([total, counted.sum() + matches.false, counted.size], np.float64)


class LesionHd95Brats(BratsMetric):
    """Mean HD95 over lesions and false positives, mm."""

    name = "lesion_hd95_brats"
    summary = "lesion-wise HD95 of BraTS 2023 in mm"
    higher_is_better = False

    def counts(self, view: View) -> Sums:
        matches = once(view, _matches)
        counted = matches.merged.counted
        total = lesion_hd95(view).sum() + MISSED_MM * matches.false
        return np.array([total, counted.sum() + matches.false, counted.size], np.float64)
