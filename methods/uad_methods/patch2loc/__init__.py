"""Patch2Loc: a network predicts the location of a patch; errors and predicted variance give the anomaly map."""

from uad_methods.patch2loc.method import Patch2Loc

__all__ = ["Patch2Loc"]
