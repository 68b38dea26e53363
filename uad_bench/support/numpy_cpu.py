"""A CPU setting that numpy reads when it is imported. This module imports nothing else, so that --help is fast."""

import os
from pathlib import Path


def prefer_avx2() -> None:
    """On AMD Zen 4, make numpy sort with AVX2 and not AVX-512, which is several times slower there; equal results.

    That processor stores compressed vectors in microcode (x86-simd-sort issue 6); benchmarks/curve.py measures
    both. Must run before numpy is imported; a setting of the user's own is left alone.
    """
    if "NPY_DISABLE_CPU_FEATURES" in os.environ:
        return
    try:
        head = Path("/proc/cpuinfo").read_text()[:1500]
    except OSError:  # another operating system: keep numpy's default
        return
    fields = dict([part.strip() for part in line.split(":", 1)] for line in head.splitlines() if ":" in line)
    if fields.get("vendor_id") == "AuthenticAMD" and fields.get("cpu family") == "25":
        os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4 AVX512_ICL"
