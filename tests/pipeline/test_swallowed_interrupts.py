"""A method that catches what ends its training does not leave a model that was trained for some steps only."""

import pytest

from tests.helpers.runs import HERE, execute, matrix
from uad_bench.errors import PluginError, Terminated

METHOD = "swallowswhatendstraining"


@pytest.mark.parametrize(
    ("end", "error"), [("ctrl-c", KeyboardInterrupt), ("sigterm", Terminated), ("loss", PluginError)]
)
def test_a_run_ends_where_the_method_catches_what_ends_its_training(place, end, error):
    specs = matrix(f"{HERE}/rude_methods.py:SwallowsWhatEndsTraining", more=[([METHOD, "end"], end)])
    here = place()
    with pytest.raises(error):
        execute(specs, here)
    (run,) = (found for found in here.out.rglob("spec.yaml"))
    assert not (run.parent / "model").exists() and not (run.parent / "metrics.csv").exists()
