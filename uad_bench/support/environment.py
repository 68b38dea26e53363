"""The machine of a run: versions, device, threads, memory, as every run directory records them."""

import gc
import os
import platform
import resource
import subprocess
import sys
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from uad_bench.errors import EnvironmentFault
from uad_bench.support.package_files import packed_commit

#: What the drivers of NVIDIA and AMD, and Windows' subsystem for Linux, show of a GPU.
GPU_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
PACKAGES = ("uad-bench", "torch", "numpy", "scipy", "nibabel", "torchio", "scikit-learn", "pandas", "nilearn")


def threads() -> int:
    """The number of CPUs that this process may use: $OMP_NUM_THREADS where it is set, as in numerical libraries."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe(device: str, n_threads: int) -> dict[str, Any]:
    """The machine, as env.json records it."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": device,
        "device_name": _device_name(device),
        "threads": n_threads,
        "bf16": has_bf16(device),
        "commit": commit(),
        "packages": {name: found for name in PACKAGES if (found := installed(name))},
    }


def installed(package: str) -> str:
    """The version of a package, "" where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _device_name(device: str) -> str:
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return cpu_model() or platform.processor() or platform.machine()


def cpu_model() -> str:
    """The model of the CPU, such as "AMD EPYC 9654"; "" where the operating system does not tell it."""
    if sys.platform == "darwin":
        return _output_of("sysctl", "-n", "machdep.cpu.brand_string")
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # another operating system
        return ""
    fields = (line.partition(":") for line in lines)
    return next((" ".join(model.split()) for name, _, model in fields if name.strip() == "model name"), "")


def _output_of(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def commit() -> str:
    """The commit that this code is of, "+dirty" if changed: of the checkout, or the one that a wheel was built from.

    "" where it is not known.
    """
    root = Path(__file__).parent.parent.parent
    if not (root / ".git").exists():
        return packed_commit()
    try:
        head = subprocess.run(
            ["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        )
        dirty = subprocess.run(
            ["git", "-C", root, "status", "--porcelain"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):  # no git on this machine, or another user's checkout
        return packed_commit()
    return head.stdout.strip() + ("+dirty" if dirty.stdout.strip() else "")


def begin_gpu_memory(device: str) -> None:
    """Count the largest allocation on a GPU from here on, so that each run of a matrix records its own."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)


def free_gpu_memory(error: BaseException) -> None:
    """Free what a failed run holds on a GPU: the local variables of the frames that its errors refer to.

    Errors are kept until a matrix ends; their messages and tracebacks stay.
    """
    links, seen = [error], set[int]()
    while links:
        one = links.pop()
        if id(one) not in seen:
            seen.add(id(one))
            traceback.clear_frames(one.__traceback__)
            links += [link for link in (one.__cause__, one.__context__) if link is not None]
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        if torch.cuda.is_initialized():
            gc.collect()
            torch.cuda.empty_cache()


def gpu_memory_mib(device: str) -> int | None:
    """The largest allocation on a GPU since `begin_gpu_memory`, in MiB; None on another device."""
    if not device.startswith("cuda"):
        return None
    import torch

    return int(torch.cuda.max_memory_allocated(device) / 2**20)


def peak_memory_mib() -> int:
    """The largest resident size of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak / (2**20 if sys.platform == "darwin" else 2**10))


def has_bf16(device: str) -> bool:
    """Whether a device ("cpu", "cuda", "cuda:1") multiplies bf16 in hardware; elsewhere bf16 only costs time.

    NVIDIA's GPUs do from compute capability 8.0; for older ones PyTorch emulates bf16 and reports it as supported.
    """
    import torch

    if device == "cpu":
        able: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(able.get("amx_bf16") or able.get("avx512_bf16"))
    if not device.startswith("cuda") or not torch.cuda.is_available():
        return False
    return bool(torch.cuda.get_device_properties(torch.device(device)).major >= 8)


def device_for_arrays(device: str) -> str:
    """As `resolve_device`, for work that needs torch on a GPU only.

    "auto" imports torch, which takes more than a second, only where a driver of a GPU is there.
    """
    if device == "auto" and "torch" not in sys.modules and not any(map(os.path.exists, GPU_DRIVERS)):
        return "cpu"
    return resolve_device(device)


def resolve_device(device: str) -> str:
    """The device of a name; "auto" is cuda if available, else cpu. Raises EnvironmentFault for a device that fails."""
    if device == "cpu":
        return device
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        hint = "use --device auto"
        raise EnvironmentFault(f"device {device!r} cannot be used", where=first, hint=hint) from error
    return device
