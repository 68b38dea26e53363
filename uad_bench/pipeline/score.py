"""Stage score: an anomaly map for every case that evaluation needs."""

import logging
import time
from typing import TYPE_CHECKING

from uad_bench.pipeline.model import context
from uad_bench.pipeline.run_job import RunJob
from uad_bench.support.progress import Ticker

if TYPE_CHECKING:
    from uad_bench.method.base import Method

log = logging.getLogger(__name__)


def score(job: RunJob, method: "Method") -> None:
    """Write the anomaly map of every val, tune and test case that has none yet.

    Raises PluginError where the method returns no map of the scan's shape with finite values.
    """
    from uad_bench.method.guard import score_scan

    directory, spec = job.directory, job.spec
    missing = [
        member
        for member in job.cohort.scored
        if not directory.map_path(member.case.dataset, member.case.case_id).is_file()
    ]
    if not missing:
        return
    log.info("%s: score %d scans", job.label, len(missing))
    ctx, seconds, ticker = context(spec, job.place), 0.0, Ticker(f"{job.label}: score")
    for number, member in enumerate(missing, start=1):
        scan, began = member.prepared.scan(), time.monotonic()
        values = score_scan(method, scan, ctx, spec.method)
        seconds += time.monotonic() - began
        directory.write_map(member.case.dataset, member.case.case_id, values, scan.brain_mask, spec.map_bits)
        ticker(number, len(missing))
    job.set_state("running", score_s_per_scan=round(seconds / len(missing), 4))
