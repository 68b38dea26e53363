"""Runs of toy methods on the toy cohort."""

from pathlib import Path

from uad_bench.config import RunSpec
from uad_bench.pipeline.matrix import Matrix
from uad_bench.pipeline.matrix import execute as execute_all

HERE = Path(__file__).parent
DATA = str(HERE / "toy_data.py")
METHODS = str(HERE / "toy_methods.py")


def matrix(*methods, seeds=(0,), more=(), **limits):
    """Runs of methods of toy_methods.py (or of registered ones) on the toy cohort."""
    names = [f"{METHODS}:{m}" if m[0].isupper() else m for m in methods]
    settings = [
        (["protocol", "train"], DATA), (["protocol", "test"], [DATA]),
        (["protocol", "splits", "tune"], {DATA: 0.4}), *more,
    ]  # fmt: skip
    return Matrix(names, seeds, str(HERE / "toy.yaml"), (), settings=settings, limits=limits).specs()


def execute(specs, place):
    """The finished runs; raises the outcome's error."""
    outcome = execute_all(specs, place)
    if outcome.error:
        raise outcome.error
    return list(outcome.done)


def spec_on(protocol, *test):
    """A specification under this protocol, for what needs no method."""
    return RunSpec(
        method="none", target="none", parameters={}, protocol=protocol, test=test or protocol.test, seed=0
    )
