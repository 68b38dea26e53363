"""CPU time and memory from a raw scan to a prepared one, step by step.

    OMP_NUM_THREADS=1 python -m benchmarks.preparation ../shared/data

The folder contains the real samples that the tests use; missing scans are left out. Prints a Markdown table: user +
system CPU seconds of each step, including imports, atlas and model weights that it loads, and the peak resident size
of the process (Linux). Each scan is prepared in two new processes: the shorter time counts, and "same bits" says
whether both gave the same voxels. Scans with skull come first, then skull-stripped scans.
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

STEPS = (
    {"step": "canonical"},
    {"step": "brain_mask"},
    {"step": "n4", "shrink": 6},  # as in uad-2mm and uad-1mm
    {"step": "register", "strict": False},
    {"step": "resample", "spacing": [2, 2, 2], "shape": [80, 96, 80], "centre": [0, -17, 5]},
    {"step": "scale"},
)
SCANS = {
    "MSLUB_longitudinal/patient1/raw/patient1_study1_T1W.nii.gz": False,
    "MSLUB_longitudinal/patient1/raw/patient1_study1_T2W.nii.gz": False,
    "MSLUB_longitudinal/patient1/raw/patient1_study1_FLAIR.nii.gz": False,
    "IXI/IXI-T1/IXI002-Guys-0828-T1.nii.gz": False,
    "IXI/IXI-T2/IXI002-Guys-0828-T2.nii.gz": False,
    "healthy/sub-brainchop/sub-brainchop_T1w.nii.gz": False,
    "healthy/sub-fernando/sub-fernando_FLAIR.nii.gz": False,
    "BraTS21/BraTS2021_00001/BraTS2021_00001_t2.nii.gz": True,
    "BraTS21/BraTS2021_96692/BraTS2021_96692_t2.nii.gz": True,
    "MSLUB/patient19/patient19_T2W.nii.gz": True,
    "stroke/clin01/clin01_T2W.nii.gz": True,
}


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the samples, or one scan with --one")
    parser.add_argument("--one", choices=("head", "stripped"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.folder, options.one == "stripped")))
    else:
        report(options.folder)


def report(folder: Path) -> None:
    """Two new processes and one row per scan."""
    steps = [str(step["step"]) for step in STEPS]
    print(f"| scan | voxels, mm | {' | '.join(steps)} | all with reading, s | peak, MiB | same bits |")
    print("|---" * (len(steps) + 5) + "|")
    for name, stripped in SCANS.items():
        if (folder / name).is_file():
            runs = [child(folder / name, "stripped" if stripped else "head") for _ in range(2)]
            print(row(Path(name).name.removesuffix(".nii.gz"), runs), flush=True)


def child(path: Path, kind: str) -> dict[str, Any]:
    """The measurement of one scan in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.preparation", str(path), "--one", kind]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def row(name: str, runs: list[dict[str, Any]]) -> str:
    """One line of the table."""
    seconds = [min(times) for times in zip(*(run["seconds"] for run in runs), strict=True)]
    peak = max(run["peak"] for run in runs)
    same = "yes" if len({run["bits"] for run in runs}) == 1 else "NO"
    cells = [
        name,
        runs[0]["grid"],
        *(f"{s:.1f}" for s in seconds[1:]),
        f"{sum(seconds):.1f}",
        f"{peak:.0f}",
        same,
    ]
    return f"| {' | '.join(cells)} |"


def measure(path: Path, stripped: bool) -> dict[str, Any]:
    """CPU seconds of reading and of each step, peak memory in MiB, a digest of the prepared voxels."""
    from uad_bench.prepare.chain import load, parse_steps
    from uad_bench.types import Case

    steps = parse_steps(STEPS)
    began = time.process_time()
    case = Case("benchmark", "scan", "scan", {"scan": path}, healthy=True, stripped=stripped)
    working = load(case, ["scan"])
    grid = working.images["scan"].grid
    seconds = [time.process_time() - began]
    for step in steps:
        began = time.process_time()
        working = step.apply(working)
        seconds.append(time.process_time() - began)
    voxels = working.images["scan"].array.tobytes() + working.brain().array.tobytes()
    return {
        "seconds": seconds,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "bits": hashlib.sha256(voxels).hexdigest(),
        "grid": f"{'×'.join(map(str, grid.shape))}, {'×'.join(f'{size:.2g}' for size in grid.spacing)}",
    }


if __name__ == "__main__":
    main()
