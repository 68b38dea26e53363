"""Engines that carry out the runs of a matrix as processes of their own; a run finds everything else on disk."""
