"""Stage score: an anomaly map for every case that evaluation needs; a case that fails does not stop the others."""

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from uad_bench.cohort.cohort import Member
from uad_bench.errors import EnvironmentFault, PartialFailure, PluginError
from uad_bench.pipeline.run_job import RunJob
from uad_bench.pipeline.scorers.scorer import scorer
from uad_bench.support import messages
from uad_bench.support.environment import free_gpu_memory
from uad_bench.support.progress import Ticker

if TYPE_CHECKING:
    from uad_bench.method.base import Method

log = logging.getLogger(__name__)

Failure = tuple[Member, PluginError | EnvironmentFault]
COLUMNS = ("dataset", "case_id", "role", "reason")
#: A method that fails on this many cases, with none scored, fails on all of them.
HOPELESS = 3


def score_cases(job: RunJob, method: "Method") -> None:
    """Write the anomaly map of every val, tune and test case that has none yet.

    Raises PluginError where the method fails on the first cases, on all, or on any with --fail-fast; PartialFailure
    where it fails on some, which failures.csv lists: metrics of the other cases alone would be those of easy cases.
    """
    directory = job.directory
    (directory.path / "failures.csv").unlink(missing_ok=True)
    members = job.cohort.scored
    missing = [m for m in members if not directory.map_path(m.case.dataset, m.case.case_id).is_file()]
    if not missing:
        return
    log.info("%s: score %d scans", job.label, len(missing))
    failures = _score(job, method, missing, scored_before=len(missing) < len(members))
    if not failures:
        return
    rows = [
        dict(zip(COLUMNS, (m.case.dataset, m.case.case_id, m.role, str(error)), strict=True))
        for m, error in failures
    ]
    directory.write_table("failures.csv", COLUMNS, rows)
    what = f"{len(members) - len(failures)} of {len(members)} cases have an anomaly map"
    first = failures[0][1]
    raise PartialFailure(
        what, where=job.label, hint=f"the first failure: {first}; --resume tries the others again"
    )


def _score(job: RunJob, method: "Method", missing: Sequence[Member], *, scored_before: bool) -> list[Failure]:
    """Write the maps; the cases that failed. Raises the first failure where nothing can be scored."""
    from uad_bench.method.base import scores_sets

    directory, seconds, ticker = job.directory, 0.0, Ticker(f"{job.label}: score")
    failures: list[Failure] = []
    with messages.summarised("uad_bench"), scorer(job, method) as score:
        for number, member in enumerate(missing, start=1):
            began = time.monotonic()
            try:
                values = score(member)
            except (PluginError, EnvironmentFault) as error:  # the latter: a scan that needs too much memory
                free_gpu_memory(error)
                failures.append((member, error))
                log.error("%s: %s: %s", job.label, member.case.case_id, error)
                none = not scored_before and len(failures) == number
                if job.place.fail_fast or (none and number == min(HOPELESS, len(missing))):
                    raise failures[0][1] from None
                continue
            seconds += time.monotonic() - began
            brain = member.prepared.scan().brain_mask
            directory.write_map(member.case.dataset, member.case.case_id, values, brain, job.spec.map_bits)
            ticker(number, len(missing))
    # A set method has computed the maps of the whole set again, not only those that were missing.
    again = scored_before and scores_sets(type(method))
    if len(failures) < len(missing) and not again:
        job.set_state("running", score_s_per_scan=round(seconds / (len(missing) - len(failures)), 4))
    return failures
