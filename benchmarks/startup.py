"""Start-up time of `--help` and `list`: wall-clock seconds of whole processes, compared with Python alone.

    python -m benchmarks.startup [--runs 9]

Run it on an idle machine: the minimum of several runs is the result, the median shows the effect of other jobs.
"""

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "bare python": ["-c", "pass"],
    "--help": ["-m", "uad_bench", "--help"],
    "run --help": ["-m", "uad_bench", "run", "--help"],
    "list": ["-m", "uad_bench", "list"],
}


def main() -> None:
    """Print one Markdown row per command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    print("| command | minimum, wall s | median, wall s |\n|---|---|---|")
    for name, words in COMMANDS.items():
        times = [seconds([sys.executable, *words]) for _ in range(runs)]
        print(f"| {name} | {min(times):.3f} | {statistics.median(times):.3f} |")


def seconds(command: list[str]) -> float:
    """Wall-clock seconds of one process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
