"""The toy dataset under a second name, for tests that train on one and test on another."""

from tests.helpers.toy_data import ToyData


class ToyOther(ToyData):
    """Equal but for its name."""

    name = "toy_other"
