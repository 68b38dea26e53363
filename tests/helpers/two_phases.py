"""Kill a training in a named phase, resume it, and compare the maps."""

import numpy as np
import pytest

from uad_bench import Context
from uad_bench.method.loop_state import Policy
from uad_bench.testing import toy_scans


class Killed(BaseException):
    """As a crash would end it."""


def assert_resume_is_bit_equal(make, phase, folder):
    """`make()` killed at the second step of `phase` and resumed gives the map of one that was not."""

    def kill(values):
        if values["phase"] == phase and values["step"] >= 1:
            raise Killed

    train, val = toy_scans(3), toy_scans(1, prefix="val")
    whole = make()
    whole.fit(train, val, Context())
    with pytest.raises(Killed):
        make().fit(train, val, Context(policy=Policy(folder=folder, checkpoint_minutes=0, sink=kill)))
    assert (folder / f"{phase}.ckpt").exists()
    resumed = make()
    resumed.fit(train, val, Context(policy=Policy(folder=folder, resume=True)))
    maps = [np.asarray(m.score(val[0], Context())) for m in (whole, resumed)]
    assert np.array_equal(*maps)
