"""Inpainting of hidden squares: partitions of a slice into groups of squares, and the network that fills them in."""
