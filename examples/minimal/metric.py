"""A metric in one file: volumetric similarity of the thresholded map and the lesion mask."""

from uad_bench import Metric, Value
from uad_bench.evaluate.metric import View


class VolumetricSimilarity(Metric):
    """1 - |P - L| / (P + L): P voxels at or above the threshold, L lesion voxels (Taha and Hanbury 2015).

    `per_rule` gives one value for each threshold rule of the protocol: `volume_similarity@healthy_q98`.
    """

    name = "volume_similarity"
    summary = "volumetric similarity at a threshold rule"
    value_range = "[0, 1]"
    per_rule = True

    def case(self, view: View) -> Value:
        """The value of one case; a value that is not defined is None with the reason, never NaN."""
        if view.scored is None or view.prediction is None:
            return Value(None, "no_threshold")
        if not view.scored.brain_mask.any():
            return Value(None, "empty_brain")
        lesion = int(view.scored.lesion_mask.sum()) + view.scored.lost
        if not lesion:
            return Value(None, "no_positive")
        predicted = int(view.prediction.sum())
        return Value(1 - abs(predicted - lesion) / (predicted + lesion))
