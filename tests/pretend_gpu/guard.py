"""The compiled part of the pretended GPU: PyTorch's CPU build is told that a CUDA device exists.

`load` has to run before torch is imported, so tests on the pretended GPU run in a process of their own:

    python -m pytest -p tests.pretend_gpu.plugin tests/pretend_gpu/device_faults.py
"""

import ctypes
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

#: Streams and events without effect, and hooks that report two devices: all that autograd asks of "cuda".
SOURCE = r"""
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/FakeGuardImpl.h>

C10_REGISTER_GUARD_IMPL(CUDA, c10::impl::FakeGuardImpl<c10::DeviceType::CUDA>)

namespace at {
struct PretendHooks final : CUDAHooksInterface {
  explicit PretendHooks(CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  DeviceIndex deviceCount() const override { return 2; }
  DeviceIndex getCurrentDevice() const override { return 0; }
  DeviceIndex current_device() const override { return 0; }
};
C10_REGISTER_CLASS(CUDAHooksRegistry, CUDAHooks, PretendHooks)
}  // namespace at
"""

loaded = False


def why_not() -> str:
    """The reason why the pretended GPU cannot be used on this machine; "" if it can."""
    if shutil.which("g++") is None:
        return "the pretended GPU needs g++, which compiles 20 lines"
    root = _torch()
    if not (root / "include" / "ATen").is_dir():
        return "this PyTorch has no C++ headers"
    if (root / "lib" / "libtorch_cuda.so").exists():
        return "the pretended GPU replaces CUDA in a CPU build of PyTorch; this build has CUDA"
    return ""


def load() -> None:
    """Compile `SOURCE` once per PyTorch build, into the temporary folder, and load it.

    Raises ImportError if torch is imported already: it looks for CUDA only once.
    """
    global loaded  # noqa: PLW0603
    if loaded:
        return
    if "torch" in sys.modules:
        raise ImportError("load the pretended GPU before torch is imported")
    root = _torch()
    for library in ("libc10.so", "libtorch_cpu.so"):
        ctypes.CDLL(str(root / "lib" / library), mode=ctypes.RTLD_GLOBAL)
    ctypes.CDLL(str(_compiled(root)))
    loaded = True


def _compiled(root: Path) -> Path:
    """The shared library, compiled if it is not there yet; two processes may do so at the same time."""
    name = hashlib.sha256(f"{SOURCE}{root}{(root / 'version.py').read_text()}".encode()).hexdigest()[:16]
    made = Path(tempfile.gettempdir()) / f"uad-bench-pretend-gpu-{name}.so"
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=made.parent) as folder:
            aside = Path(folder) / made.name
            command = ["g++", "-std=c++20", "-O0", "-shared", "-fPIC", "-x", "c++", "-", "-o", str(aside)]
            command += [f"-I{root / 'include'}", f"-L{root / 'lib'}", "-ltorch_cpu", "-lc10"]
            subprocess.run(command, input=SOURCE.encode(), check=True)
            aside.replace(made)
    return made


def _torch() -> Path:
    spec = importlib.util.find_spec("torch")  # does not import torch itself
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent
