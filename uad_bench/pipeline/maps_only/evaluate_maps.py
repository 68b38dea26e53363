"""A run that is made of anomaly maps of another program: "maps only", evaluated and tabled as any other."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from uad_bench import plugins
from uad_bench.cohort.cohort import Cohort, Member
from uad_bench.cohort.discovery import pinned_protocol
from uad_bench.cohort.gather import gather
from uad_bench.config import MAPS_ONLY, Overrides, RunSpec, digest, validated
from uad_bench.errors import DataError, UadError, UsageError, unknown_name
from uad_bench.pipeline.evaluate_run import evaluate_run
from uad_bench.pipeline.maps_only.map_files import find_maps, on_protocol_grid
from uad_bench.pipeline.maps_only.map_table import Key
from uad_bench.pipeline.protocol_checks import check_protocol
from uad_bench.pipeline.run_job import RunJob, Workplace
from uad_bench.pipeline.settings import with_settings
from uad_bench.results import csv_tables
from uad_bench.results.run_directory import RunDir
from uad_bench.support import environment
from uad_bench.support.atomic_files import sha256
from uad_bench.support.text import first_names
from uad_bench.types import TRACKS, USUAL_TRACK

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MapsOf:
    """Maps of another program, as a user names them.

    source: a folder or a CSV, see `map_files.find_maps`; name: of the method in tables; described: see there; settings:
    `--set` options as (path, value), of the protocol and of datasets; track: what the user says that the method learns
    from; "" for that of the run that exists, else "healthy".
    """

    source: Path
    name: str
    protocol: str = ""
    test: Sequence[str] = ()
    seed: int = 0
    described: str = ""
    settings: Sequence[tuple[Sequence[str], Any]] = ()
    track: str = ""

    def spec(self, maps: str) -> RunSpec:
        """The specification of the run; maps: 12 hex digits of the content of all maps.

        Raises UsageError for a name that tables cannot show, for an unknown protocol, dataset or setting.
        """
        if not plugins.NAME.fullmatch(self.name):
            what = f"{self.name!r} is no name for a method"
            raise UsageError(what, hint=f"a name matches {plugins.NAME.pattern}", code="UB205")
        if self.track and self.track not in TRACKS:
            raise unknown_name("track", self.track, TRACKS)
        over = with_settings(Overrides(), self.settings)
        protocol = pinned_protocol(self.protocol, over.protocol)
        check_protocol(protocol)
        test = tuple(self.test) or protocol.test
        for dataset in (protocol.train, *test):
            plugins.resolve("dataset", dataset)
        values = {
            "method": f"{self.name}:maps-only",
            "target": MAPS_ONLY,
            "parameters": {"maps": maps},
            "protocol": protocol,
            "test": test,
            "seed": self.seed,
            "datasets": over.datasets,
        }
        return validated(RunSpec, values, self.name)


def evaluate_maps(maps: MapsOf, place: Workplace) -> RunDir:
    """Make and evaluate a run of the maps of another program, under the roles of the protocol.

    Every test case needs a map. Thresholds of healthy scans need a map of every val case, those of `tune` one of every
    tune case; without any map of a role its rules have no threshold, which is logged. Raises DataError where a role has
    maps of some cases only (UB307), and for maps that cannot be used, all of them named.
    """
    draft = maps.spec("")
    cohort = gather(draft, place.sources)
    found = find_maps(maps.source, cohort.scored, draft.protocol.name, maps.described)
    cohort = _with_maps(cohort, found)
    digests = {key: sha256(path) for key, path in sorted(found.items())}
    _warn_of_equal(digests)
    content = digest([[*key, one] for key, one in digests.items()])
    job = RunJob.of(maps.spec(content), cohort, place)
    with job.directory.locked():
        complete = job.directory.state == "complete"
        track = _track(job, maps.track) if complete else maps.track or USUAL_TRACK
        if not (maps.track or complete):
            what = "%s: no --track, so these maps are ranked with methods that learn from healthy scans only"
            log.warning(what, job.directory.name)
        if complete and not place.fresh:
            log.info("%s: already complete (--fresh makes it again)", job.directory.name)
            return job.directory
        job.directory.clear()
        _make(job, found, track)
    return job.directory


def _warn_of_equal(digests: Mapping[Key, str]) -> None:
    """Warn of cases whose maps have the same bytes: most likely copies of one file."""
    cases: dict[str, list[str]] = {}
    for (_, case_id), one in digests.items():
        cases.setdefault(one, []).append(case_id)
    for equal in cases.values():
        if len(equal) > 1:
            log.warning("%d cases have equal maps: %s", len(equal), first_names(equal))


def _track(job: RunJob, named: str) -> str:
    """The track of a complete run. Raises UsageError where another one is named and the run is not made again."""
    recorded = str(job.directory.environment().get("method", {}).get("track", USUAL_TRACK))
    if named and named != recorded and not job.place.fresh:
        what = f"these maps were evaluated with the track {recorded!r}, not {named!r}"
        raise UsageError(
            what, where=job.directory.name, hint="--fresh evaluates them again with another track"
        )
    return named or recorded


def _with_maps(cohort: Cohort, found: Mapping[Key, Path]) -> Cohort:
    """The cohort without val or tune cases where none has a map. Raises DataError (UB307) as `evaluate_maps`."""
    dropped: list[Member] = []
    for role in ("test", "val", "tune"):
        members = cohort.of(role)
        lacking = [m for m in members if (m.case.dataset, m.case.case_id) not in found]
        if lacking and (role == "test" or len(lacking) < len(members)):
            what = f"{len(lacking)} of {len(members)} {role} cases have no map"
            where = first_names([one.case.case_id for one in lacking])
            raise DataError(what, where=where, hint="add their maps", code="UB307")
        if lacking:
            log.warning("no %s case has a map: threshold rules on %s cases have no threshold", role, role)
            dropped += lacking
    left_out = [(m.case.dataset, m.case.case_id, f"{m.role} case without a map") for m in dropped]
    kept = tuple(member for member in cohort.members if member not in dropped)
    return replace(cohort, members=kept, left_out=(*cohort.left_out, *left_out))


def _make(job: RunJob, found: Mapping[Key, Path], track: str) -> None:
    directory, cohort = job.directory, job.cohort
    directory.set_state("running")
    directory.write_spec(job.spec)
    here = environment.describe("cpu", job.place.threads)
    facts = {"deterministic": False, "null": False, "baseline": False, "paper": "", "track": track}
    directory.write_json("env.json", here | {"roots": job.roots(), "method": facts})
    directory.write_table("splits.csv", csv_tables.SPLIT_COLUMNS, cohort.rows())
    columns = ("dataset", "case_id", "reason")
    left_out = [dict(zip(columns, one, strict=True)) for one in cohort.left_out]
    directory.write_table("left_out.csv", columns, left_out)
    directory.write_json("audit.json", [vars(one) for one in cohort.findings])
    directory.write_json("fitted.json", [vars(one) for one in cohort.fitted])
    _write_maps(job, found)
    evaluate_run(directory, job.spec, cohort, job.place.device, job.place.sources.workers)
    directory.complete()


def _write_maps(job: RunJob, found: Mapping[Key, Path]) -> None:
    """Store the maps on the protocol's grid. Raises the first error where one or more cannot be used."""
    errors: list[UadError] = []
    for member in job.cohort.scored:
        key = member.case.dataset, member.case.case_id
        try:
            values = on_protocol_grid(found[key], member)
            job.directory.write_map(*key, values, member.prepared.scan().brain_mask)
        except UadError as error:
            errors.append(error)
            log.error("%s", error)
    if errors:
        job.directory.clear()
        if len(errors) == 1:
            raise errors[0]
        what = f"{len(errors)} of {len(job.cohort.scored)} maps cannot be used"
        first = errors[0]
        raise type(first)(
            f"{what}; the first: {first.what}", where=first.where, hint=first.hint, code=first.code
        )
