"""Registers two methods by name that learn from something else than healthy scans."""

from uad_bench import hookimpl


@hookimpl
def register_methods(register):
    register("set-mean", "uad_tracks.methods:SetMean", "difference from the mean of the test set")
    register("label-edge", "uad_tracks.methods:LabelEdge", "gradient magnitude, in the track of weak labels")
