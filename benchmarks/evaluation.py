"""CPU time of the evaluation of one case at 1 mm, by part: post-processing, curve, every built-in metric.

    OMP_NUM_THREADS=1 python -m benchmarks.evaluation

Prints a Markdown table: 192 x 192 x 100 voxels with 1.14 M in the brain, a median filter of 7 x 7 x 7, all built-in
metrics in the order of docs/metrics.md at four thresholds, and the post-processing ablation (AP and Dice of the raw
map). What several metrics share, such as findings, is counted for the first of them. "engine": all metrics of the case
through the engine, with pooled values and a thousand resamples.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np

from benchmarks.volume import volume
from uad_bench import plugins
from uad_bench.evaluate import postprocess
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.engine import evaluate
from uad_bench.evaluate.metric import Metric
from uad_bench.evaluate.metric_queries import MetricQuery, metric_queries, views
from uad_bench.evaluate.metrics.declarations.table import METRICS, SECTIONS
from uad_bench.evaluate.thresholds import Threshold
from uad_bench.types import Scored

STEPS = [{"step": "median", "size": 7, "axes": 3}]
Made = TypeVar("Made")


def main() -> None:
    """Measure, print a table."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    raw = noisy(volume())
    print("| part | CPU s |\n|---|---|")
    total = 0.0
    for name, seconds in parts(raw):
        total += seconds
        print(f"| {name} | {seconds:.3f} |")
    print(f"| **all of these** | **{total:.2f}** |")
    steps = postprocess.parse(STEPS)
    scored = apply(raw, steps)
    seconds, _ = timed(lambda: evaluate([scored], metrics(METRICS), rules(scored)))
    print(f"| engine | {seconds:.3f} |")


def parts(raw: Scored) -> Iterator[tuple[str, float]]:
    """Each part and its CPU seconds."""
    steps = postprocess.parse(STEPS)
    seconds, scored = timed(lambda: apply(raw, steps))
    yield "post-processing", seconds
    seconds, curve = timed(lambda: Curve.of_case(scored, regions=True))
    yield "curve", seconds
    found = rules(scored)
    everything = list(metric_queries(metrics(METRICS), found))
    seen = views(scored, curve, everything, ())
    for section, declared in SECTIONS.items():
        names = {one.name for one in declared}
        queries = [query for query in everything if query.metric.name in names]
        seconds, _ = timed(lambda: [answer(query, seen) for query in queries])  # noqa: B023  # called here
        yield f"metrics: {section}", seconds
    seconds, _ = timed(lambda: evaluate([apply(raw, ())], metrics(("ap", "dice")), found, draws=False))
    yield "post-processing ablation", seconds


def answer(query: MetricQuery, seen: dict[str, object]) -> object:
    """The value of the case, and what is kept of it for pooled values."""
    view = seen[query.rule]
    return query.case_value(view, "a"), query.kept(view)  # type: ignore[arg-type]


def metrics(names: "tuple[str, ...] | dict[str, object]") -> list[Metric]:
    """An instance of each metric."""
    return [plugins.load(plugins.resolve("metric", name))() for name in names]


def apply(raw: Scored, steps: "tuple[postprocess.Step, ...]") -> Scored:
    """The case after these steps."""
    values, brain = postprocess.apply(raw.map, raw.brain_mask, steps)
    return replace(raw, map=values, brain_mask=brain)


def rules(scored: Scored) -> dict[str, Threshold]:
    """Four thresholds, at which 5, 2 and 1 % of the brain are called anomalous, and the best one."""
    inside = scored.map[scored.brain_mask]
    found = {f"q{p}": Threshold(f"q{p}", float(np.percentile(inside, p))) for p in (95, 98, 99)}
    return found | {"oracle_case": Threshold("oracle_case", None, oracle=True)}


def noisy(scored: Scored) -> Scored:
    """The case with an image, and with noise that a median filter does not remove: thousands of false findings."""
    rng = np.random.default_rng(1)
    coarse = np.repeat(np.repeat(np.repeat(rng.normal(size=(48, 48, 25)), 4, 0), 4, 1), 4, 2)
    scores = (scored.map + coarse).astype(np.float32)
    return replace(scored, map=scores, image=scores[np.newaxis], whole_brain=scored.brain_mask)


def timed(call: Callable[[], Made]) -> tuple[float, Made]:
    """CPU seconds of one call, and what it gave."""
    start = time.process_time()
    made = call()
    return time.process_time() - start, made


if __name__ == "__main__":
    main()
