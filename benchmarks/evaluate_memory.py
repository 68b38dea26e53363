"""Peak memory and CPU time of `evaluate` for large test sets, made of the cases of a small run.

    OMP_NUM_THREADS=1 python -m benchmarks.evaluate_memory RUN --cases 72,288,1151 [--runs 2] [--metrics ap,dice]

RUN: the directory of a run with stored maps and prepared cases, which is not changed. Its first test set gets as many
cases as requested: those of the run again and again under new ids, each time with scores that are a little larger, so
that hardly two voxels of two copies are equal, as in real maps. Tune cases and validation scans grow along, in the
proportions of `uad-2mm` (100 and 58 of 1,151); further test sets stay. Each size is evaluated in a process of its own,
`--runs` times in turn. Prints a Markdown table.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from uad_bench import plugins
from uad_bench.cohort.cohort import Cohort, Member
from uad_bench.cohort.discovery import Sources, default_cache
from uad_bench.cohort.gather import gather
from uad_bench.cohort.roles import Plan
from uad_bench.config import RunSpec
from uad_bench.results.run_cases import sources_of
from uad_bench.results.run_directory import RunDir

#: Cases of each role beside a test case, as in `uad-2mm` at the full size.
BESIDE = {"test": 1.0, "tune": 100 / 1151, "val": 58 / 1151}
#: By how much the scores of each further copy are larger.
SCALE = 2.0**-12


def main() -> None:
    """Measure each size in a process of its own, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--cases", default="72,288", help="test cases of the first test set")
    parser.add_argument("--runs", type=int, default=1, help="runs that one process evaluates")
    parser.add_argument("--metrics", default="", help="these metrics in place of the protocol's")
    parser.add_argument("--folder", type=Path, help="where the maps are copied to; default: a temporary one")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(
            json.dumps(
                measured(options.run, int(options.cases), options.runs, options.metrics, options.folder)
            )
        )
        return
    print("| test cases | tune, validation | runs | peak, MiB | CPU s |\n|---|---|---|---|---|")
    for cases in options.cases.split(","):
        more = ["--cases", cases, "--runs", str(options.runs), "--metrics", options.metrics, "--here"]
        more += ["--folder", str(options.folder)] if options.folder else []
        command = [sys.executable, "-m", "benchmarks.evaluate_memory", str(options.run), *more]
        cells = json.loads(
            subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1]
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def measured(run: Path, cases: int, runs: int, metrics: str, folder: Path | None) -> list[str]:
    """The cells of one size: the run is copied, grown and evaluated by this process."""
    from uad_bench.pipeline.evaluate_run import evaluate_run

    source, spec = RunDir(run), _with_metrics(RunDir(run).spec(), metrics)
    here = replace(sources_of(source, Sources(default_cache())), skip_missing=True, skip_broken=True)
    small = gather(spec, here, Plan(allow_leak=True))
    with tempfile.TemporaryDirectory(dir=folder) as place:
        copy = RunDir(Path(place).resolve() / run.resolve().name)
        cohort = Cohort(tuple(_grown(small, spec, cases, source, copy)))
        began = _cpu_seconds()
        for _ in range(runs):
            evaluate_run(copy, spec, cohort)
        seconds = _cpu_seconds() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    beside = ", ".join(str(len(cohort.of(role, _first(spec, role)))) for role in ("tune", "val"))
    return [str(cases), beside, str(runs), f"{peak:.0f}", f"{seconds:.1f}"]


def _with_metrics(spec: RunSpec, metrics: str) -> RunSpec:
    values: dict[str, Any] = {"metrics": metrics.split(","), "primary": "ap.case"} if metrics else {}
    return spec.model_copy(update={"protocol": spec.protocol.model_copy(update=values)})


def _first(spec: RunSpec, role: str) -> str | None:
    """The dataset whose cases of a role grow; None: those of all, as healthy scans validate for all test sets."""
    return None if role == "val" else plugins.label(spec.test[0])


def _grown(cohort: Cohort, spec: RunSpec, cases: int, source: RunDir, copy: RunDir) -> Iterator[Member]:
    """The scored members of a run, repeated; their maps are written to `copy`, one at a time."""
    grown = {role: cohort.of(role, _first(spec, role)) for role in BESIDE}
    others = [one for one in cohort.scored if one not in grown[one.role]]
    for one in others:
        yield _copied(one, 0, source, copy)
    for role, members in grown.items():
        for index in range(max(1, round(cases * BESIDE[role]))):
            yield _copied(members[index % len(members)], index // len(members), source, copy)


def _copied(member: Member, times: int, source: RunDir, copy: RunDir) -> Member:
    """A member under the id of its copy number `times`, with its map."""
    case = member.case
    named = replace(case, case_id=f"{case.case_id}-{times}", subject_id=f"{case.subject_id}-{times}")
    values = source.read_map(case.dataset, case.case_id) * (1 + times * SCALE)
    brain = member.prepared.scan().brain_mask
    copy.write_map(case.dataset, named.case_id, values.astype("float32"), brain)
    return replace(member, prepared=replace(member.prepared, case=named))


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
