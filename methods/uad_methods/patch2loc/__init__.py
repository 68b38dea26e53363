"""Patch2Loc: an anomaly is a patch that a network cannot place in the brain, or is unsure where to place."""

from uad_methods.patch2loc.method import Patch2Loc

__all__ = ["Patch2Loc"]
