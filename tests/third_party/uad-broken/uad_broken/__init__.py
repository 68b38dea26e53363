"""Registers methods that break one promise each, so that tests see whether the checks name it."""

from uad_bench import hookimpl


@hookimpl
def register_methods(register):
    register("returns-nan", "uad_broken.methods:ReturnsNaN", "a map that is not finite")
    register("writes-scan", "uad_broken.methods:WritesScan", "scales the scan in place")
    register("counts-scans", "uad_broken.methods:CountsScans", "depends on the scans scored before")
    register("gone", "uad_broken.nowhere:Gone", "a class that does not exist")
