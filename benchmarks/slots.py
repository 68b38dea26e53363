"""Two runs at a time against one by one: wall-clock and CPU seconds of the same small matrix by both engines.

    python -m benchmarks.slots [--times 1] [--runs 4] [--method ae] [--steps 300] [--slots 2]

Each run has one thread. The cohort is generated and prepared before the clock starts; the seconds are those of the
whole command, with the start of Python, the runs and the tables. Both engines must write the same bits, otherwise
the exit code is 1. With --times they take turns, and the minimum counts. The ratio of wall-clock seconds holds where
nothing else runs on the machine. "At most" is the ratio that the CPU seconds allow if all of them were shared out
evenly: the processes in slots start Python several times, and share caches and memory.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.small import runs
from benchmarks.small.runs import Spent


def main() -> None:
    """Print one Markdown row per engine."""
    typed = _options()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("UAD_BENCH_CACHE", str(Path(folder) / "cache"))
        os.environ["OMP_NUM_THREADS"] = "1"
        runs.prepare()
        found: dict[str, list[Spent]] = {"one by one": [], f"`--on local:{typed.slots}`": []}
        for _ in range(typed.times):
            files = _both(typed, Path(folder), found)
    print(table(found, typed.slots))
    print(f"\n{typed.runs} runs of `{typed.method}`, {typed.steps} steps; {files} of {files} digests equal")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--method", default="ae")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--slots", type=int, default=2)
    return parser.parse_args()


def _both(typed: argparse.Namespace, folder: Path, found: dict[str, list[Spent]]) -> int:
    """Measure each engine once; the number of files whose digests are equal."""
    places = [folder / "serial", folder / "slots"]
    for (name, spent), place in zip(found.items(), places, strict=True):
        shutil.rmtree(place, ignore_errors=True)
        more = [] if name == "one by one" else ["--on", f"local:{typed.slots}"]
        spent.append(runs.measured(runs.command(typed.method, typed.steps, typed.runs, place, *more)))
    return runs.require_equal(*places)


def table(found: dict[str, list[Spent]], slots: int) -> str:
    """The minima of each engine, and the ratios: first the serial engine, then the slots."""
    (serial, s_cpu), (local, l_cpu) = (
        (min(one.wall for one in spent), min(one.cpu for one in spent)) for spent in found.values()
    )
    first, second = found
    return "\n".join(
        [
            "| | CPU s | at most | wall s | ratio |",
            "|---|---|---|---|---|",
            f"| {first} | {s_cpu:.1f} | | {serial:.1f} | |",
            f"| {second} | {l_cpu:.1f} | {slots * s_cpu / l_cpu:.2f} | {local:.1f} | {serial / local:.2f} |",
        ]
    )


if __name__ == "__main__":
    main()
