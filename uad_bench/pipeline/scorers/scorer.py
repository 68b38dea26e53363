"""What gives the map of a case: the method in this process, in one of its own, or for a whole set of scans at once."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from uad_bench.cohort.cohort import Member, Scans, with_modalities
from uad_bench.errors import EnvironmentFault, PluginError
from uad_bench.pipeline.model import context
from uad_bench.pipeline.run_job import RunJob
from uad_bench.pipeline.scorers.isolated import isolated
from uad_bench.types import FloatArray

if TYPE_CHECKING:
    from uad_bench.method.base import Method

log = logging.getLogger(__name__)

Score = Callable[[Member], FloatArray]
SetKey = tuple[str, str]


@contextmanager
def scorer(job: RunJob, method: "Method") -> Iterator[Score]:
    """A function that gives the map (X, Y, Z) of a member of the run's cohort."""
    from uad_bench.method.base import scores_sets
    from uad_bench.method.guard import score_scan

    if scores_sets(type(method)):
        yield _Sets(job, method).score
        return
    if job.place.case_timeout_s is not None:
        with isolated(job) as score:
            yield score
        return
    spec, ctx = job.spec, context(job.spec, job.place)
    yield lambda member: score_scan(
        method, with_modalities(member.prepared.scan(), spec.modalities), ctx, spec.method
    )


class _Sets:
    """The maps of a method that scores whole sets: the cases of a dataset with one role are a set.

    Members are asked for in the order of the cohort, some may be left out, since an earlier run has scored them: the
    method gets the whole set nevertheless. Memory holds one map. What fails ends its set.
    """

    def __init__(self, job: RunJob, method: "Method") -> None:
        self._job, self._method = job, method
        self._maps: dict[SetKey, Iterator[tuple[Member, FloatArray]]] = {}
        self._errors: dict[SetKey, PluginError | EnvironmentFault] = {}

    def score(self, member: Member) -> FloatArray:
        """The map of a member. Raises the error that ended its set, for all members after it too."""
        key = member.case.dataset, member.role
        if key in self._errors:
            raise self._errors[key]
        if key not in self._maps:
            self._maps[key] = self._begun(key)
        try:
            for other, values in self._maps[key]:
                if other is member:
                    return values
        except (PluginError, EnvironmentFault) as error:
            self._errors[key] = error
            raise
        raise AssertionError(f"{member.case.case_id} was asked for twice or in another order")

    def _begun(self, key: SetKey) -> Iterator[tuple[Member, FloatArray]]:
        from uad_bench.method.guard import score_scans

        dataset, role = key
        members = [m for m in self._job.cohort.scored if (m.case.dataset, m.role) == key]
        log.info(
            "%s: the %d %s scans of %s are scored as one set", self._job.label, len(members), role, dataset
        )
        spec = self._job.spec
        scans = Scans(members, spec.modalities)
        maps = score_scans(self._method, scans, context(spec, self._job.place), spec.method)
        return zip(members, maps, strict=False)
