"""One broken promise a class."""

from dataclasses import dataclass

import numpy as np

from uad_bench import Method


@dataclass
class ReturnsNaN(Method):
    """Divides by zero."""

    def score(self, scan, ctx):
        return np.full(scan.shape, np.nan)


@dataclass
class WritesScan(Method):
    """Scales in place."""

    def score(self, scan, ctx):
        image = scan.image
        image *= 2
        return image[0]


@dataclass
class CountsScans(Method):
    """Adds the number of scans that it has scored so far."""

    def score(self, scan, ctx):
        self.seen_ = getattr(self, "seen_", 0) + 1
        return scan.image[0] + self.seen_
