"""Small scored cases, cases that metrics easily get wrong, and all built-in metrics."""

from dataclasses import replace

import numpy as np

from uad_bench import plugins
from uad_bench.evaluate.metrics.declarations.table import METRICS
from uad_bench.types import Scored

RULES = ("tune", "tune_fpr05", "oracle_set", "oracle_case", "oracle_fpr05", "healthy_q95")


def make_scored(case_id, *, healthy=False, kind="", lesion_voxels=20, shift=0.0, brain=True):
    """A case on a 6 x 6 x 6 grid with scores around `shift`, higher in the lesion; some lesion voxels lie outside the
    brain. The case id is the seed."""
    rng = np.random.default_rng(int.from_bytes(case_id.encode(), "little"))
    brain_mask, lesion = np.zeros((6, 6, 6), bool), np.zeros(216, bool)
    brain_mask[1:, 1:, 1:] = brain
    lesion[rng.permutation(216)[: 0 if healthy else lesion_voxels]] = True
    lesion = lesion.reshape(6, 6, 6)
    scores = (rng.normal(size=(6, 6, 6)) + lesion + shift).astype(np.float32)
    return Scored(case_id, scores, brain_mask, lesion, (1.0, 1.0, 1.0), healthy, kind)


def builtin_metrics():
    """An instance of every built-in metric, loaded by name as a protocol does."""
    return [plugins.load(plugins.resolve("metric", name))() for name in METRICS]


def edge_cases():
    """Cases without lesion, without brain, with all lesion voxels missed, with a constant map, with subnormal scores,
    and with an image."""
    plain = make_scored("plain")
    yield plain
    yield make_scored("no-lesion", lesion_voxels=0)
    yield make_scored("no-brain", brain=False)
    yield replace(plain, case_id="missed", lesion_mask=~plain.brain_mask)
    yield replace(plain, case_id="lost", lesion_mask=np.zeros_like(plain.lesion_mask), lost=4)
    yield replace(plain, case_id="all", lesion_mask=np.ones_like(plain.lesion_mask))
    yield replace(plain, case_id="flat", map=np.zeros_like(plain.map))
    yield replace(plain, case_id="tiny", map=plain.map * np.float32(1e-42))
    yield replace(plain, case_id="image", image=plain.map[np.newaxis], lesion_kind="ms")
    yield make_scored("healthy", healthy=True)
    yield make_scored("healthy-no-brain", healthy=True, brain=False)


def rows_by_name(rows):
    """Set rows by group and metric."""
    return {(row.group, row.metric): row for row in rows}
