"""The lesion-wise scores of BraTS 2023 for the whole lesion (Moawad et al. 2023, and the challenge's metrics.py).

1. The lesion mask is dilated by 3 mm (at 1 mm: 3 iterations with 18 neighbours). Lesions whose dilations touch are
   merged into one lesion.
2. A lesion is matched with every predicted component (26-connected) that reaches into its dilation. Its Dice and HD95
   compare the undilated lesion with the union of these components. Without a component, they are 0 and 374 mm.
3. Lesions of at most 50 mm3 are left out. A component that is matched with no lesion, left-out lesions included, is a
   false component, with Dice 0 and HD95 374 mm (about the diagonal of a BraTS image).
4. The score is the mean over lesions and false components.

Differences from the challenge: a case without a lesion has no value (challenge: 1 and 0 mm where nothing is
predicted, otherwise 0 and 374 mm); HD95 is that of edge voxels, as in `hd95` (challenge: weighted by the area of
surface elements); at voxel sizes other than 1 mm, the dilation has the number of iterations nearest to 3 mm, at least
one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.memoise import once
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.additive import Counted, Sums, of_case, predicted
from uad_bench.evaluate.metrics.connected_components import Components, Indices, edge
from uad_bench.evaluate.metrics.declarations.classes import declared
from uad_bench.evaluate.metrics.lesion import findings, lesions
from uad_bench.evaluate.metrics.surface import Points, distances_between
from uad_bench.types import BoolArray, Scored, Value

DILATION_MM = 3.0
SMALLEST_MM3 = 50.0
MISSED_MM = 374.0


@dataclass(frozen=True)
class Merged:
    """The lesions of a case, after lesions with touching dilations are merged.

    zone: the components of the dilated mask, one for each merged lesion. owner: the merged lesion of each lesion voxel,
    in the order of `lesions(scored).index`. counted: whether each is larger than 50 mm3, (zones,).
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
    """Pairs of a merged lesion and one of its components, `lesion[i]` with `finding[i]`, sorted by lesion.

    false: the number of components without a lesion.
    """

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
    """The Dice of each merged lesion with the union of its components, small lesions included, (zones,)."""
    matches, found = once(view, _matches), findings(view)
    owner, n = matches.merged.owner, matches.merged.zone.n
    hit = predicted(view).ravel()[lesions(of_case(view)).index]
    shared = np.bincount(owner[hit], minlength=n)
    predicted_voxels = np.bincount(matches.lesion, found.sizes[matches.finding], minlength=n)
    dice: npt.NDArray[np.float64] = 2 * shared / (np.bincount(owner, minlength=n) + predicted_voxels)
    return dice


def lesion_hd95(view: View) -> npt.NDArray[np.float64]:
    """The HD95 in mm of each merged lesion, (zones,): 374 without a component, 0 for a lesion that is left out."""
    matches, scored = once(view, _matches), of_case(view)
    merged = matches.merged
    truth = _edges(lesions(scored), merged.owner, scored.lesion_mask, scored, merged.zone.n)
    found = _edges(findings(view), findings(view).label, predicted(view), scored, findings(view).n)
    distances = np.where(merged.counted, MISSED_MM, 0.0)
    matched = np.split(matches.finding, np.searchsorted(matches.lesion, np.arange(1, merged.zone.n)))
    for lesion in np.flatnonzero(merged.counted):
        if matched[lesion].size:
            points = np.concatenate([found[finding] for finding in matched[lesion]])
            distances[lesion] = distances_between(points, truth[lesion]).hd95
    return distances


def _edges(parts: Components, label: Indices, mask: BoolArray, scored: Scored, n: int) -> list[Points]:
    """Positions in mm of the edge voxels of each of n parts of a mask, arrays (k, 3); label: the part of a voxel."""
    rim = edge(mask).ravel()[parts.index]
    order = np.argsort(label[rim], kind="stable")
    points = np.stack(np.unravel_index(parts.index[rim][order], parts.shape), 1) * np.array(scored.spacing)
    return np.split(points, np.searchsorted(label[rim][order], np.arange(1, n)))


def dilated(mask: BoolArray, steps: int) -> BoolArray:
    """The mask dilated `steps` times with 18 neighbours (faces and edges), as scipy's generate_binary_structure(3, 2).

    >>> mask = np.zeros((5, 5, 5), bool)
    >>> mask[2, 2, 2] = True
    >>> dilated(mask, 1).sum()
    np.int64(19)
    """
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
    """Counts: the sum of scores, the number of lesions above 50 mm3 and false components, the number of all lesions."""

    def of(self, sums: Sums) -> Value:
        if not sums[2]:
            return Value(None, "no_positive")
        return Value(float(sums[0] / sums[1])) if sums[1] else Value(None, "no_lesion_of_size")


@declared("lesion_dice_brats")
class LesionDiceBrats(BratsMetric):
    """The mean Dice over lesions and false components, in [0, 1]; the module's docstring gives the steps.

    Undefined: `empty_brain`, `no_threshold`, `no_positive`, `no_lesion_of_size` (no lesion above 50 mm3 and no false
    component), `no_case` (pooled). Pooled: all lesions and false components of all cases have the same weight.

    >>> lesion = np.zeros((12, 12, 12), bool)
    >>> lesion[4:8, 4:8, 4:8] = True
    >>> prediction = lesion.copy()
    >>> prediction[0, 0, 0] = True  # a false component of one voxel
    >>> scored = Scored("case", prediction.astype(np.float32), np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> LesionDiceBrats().case(View.of_case(scored, threshold=0.5)).value
    0.5
    """

    def counts(self, view: View) -> Sums:
        matches = once(view, _matches)
        counted = matches.merged.counted
        total = lesion_dice(view)[counted].sum()
        return np.array([total, counted.sum() + matches.false, counted.size], np.float64)


@declared("lesion_hd95_brats")
class LesionHd95Brats(BratsMetric):
    """The mean HD95 in mm over lesions and false components, 374 mm for a missed lesion and for a false component.

    Undefined as `LesionDiceBrats`.

    >>> lesion = np.zeros((12, 12, 12), bool)
    >>> lesion[4:8, 4:8, 4:8] = True
    >>> nothing = np.zeros(lesion.shape, np.float32)
    >>> scored = Scored("case", nothing, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> LesionHd95Brats().case(View.of_case(scored, threshold=0.5)).value
    374.0
    """

    def counts(self, view: View) -> Sums:
        matches = once(view, _matches)
        counted = matches.merged.counted
        total = lesion_hd95(view).sum() + MISSED_MM * matches.false
        return np.array([total, counted.sum() + matches.false, counted.size], np.float64)
