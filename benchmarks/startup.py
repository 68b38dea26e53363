"""Start-up time of commands and of what every run begins with: whole processes, compared with Python alone.

    python -m benchmarks.startup [--runs 9]

Run it on an idle machine: the minimum of several runs is the result, the median shows the effect of other jobs.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "bare python": ["-c", "pass"],
    "--help": ["-m", "uad_bench", "--help"],
    "run --help": ["-m", "uad_bench", "run", "--help"],
    "list": ["-m", "uad_bench", "list"],
    "import torch": ["-c", "import torch"],
    "determinism as in runs": [
        "-c",
        "from uad_bench.method.torch_settings import set_determinism as s; s(True, warn_only=True)",
    ],
    "torch.use_deterministic_algorithms": [
        "-c",
        "import torch; torch.use_deterministic_algorithms(True, warn_only=True)",
    ],
}


def main() -> None:
    """Print one Markdown row per command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    print("| command | minimum, wall s | median, wall s | minimum, CPU s |\n|---|---|---|---|")
    for name, words in COMMANDS.items():
        wall, cpu = zip(*(seconds([sys.executable, *words]) for _ in range(runs)), strict=True)
        print(f"| {name} | {min(wall):.3f} | {statistics.median(wall):.3f} | {min(cpu):.3f} |")


def seconds(command: list[str]) -> tuple[float, float]:
    """Wall-clock and CPU seconds of one process."""
    began, used = time.perf_counter(), _cpu()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began, _cpu() - used


def _cpu() -> float:
    """CPU seconds of all processes that have ended below this one."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


if __name__ == "__main__":
    main()
