"""One setting that numpy reads when it is imported. Nothing else is imported here: it is on the way to --help."""

import os
from pathlib import Path


def prefer_avx2() -> None:
    """On AMD Zen 4, keep numpy from AVX-512, whose sort is several times slower there than AVX2's; equal results.

    That processor stores compressed vectors in microcode (x86-simd-sort issue 6); benchmarks/curve.py measures
    both. Must run before numpy is imported; a setting of the user's own is left alone.
    """
    if "NPY_DISABLE_CPU_FEATURES" in os.environ:
        return
    try:
        head = Path("/proc/cpuinfo").read_text()[:1500]
    except OSError:  # another system, or a closed one: its own default it is
        return
    fields = dict([part.strip() for part in line.split(":", 1)] for line in head.splitlines() if ":" in line)
    if fields.get("vendor_id") == "AuthenticAMD" and fields.get("cpu family") == "25":
        os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4 AVX512_ICL"
