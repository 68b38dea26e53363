"""Transformer that rebuilds the tokens of an image without copying them."""
