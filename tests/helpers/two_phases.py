"""Training that is killed in a named phase and resumed."""

import numpy as np
import pytest

from uad_bench import Context
from uad_bench.method.loop_state import Policy
from uad_bench.testing import toy_scans


class Killed(BaseException):
    """Ends a training as a crash would."""


def assert_resume_is_bit_equal(make, phase, folder):
    """Kill `make()` at the second step of `phase`, resume it, and compare its map with an uninterrupted training's."""

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
