"""A pytest plug-in that loads the pretended GPU before any test imports torch."""

from tests.pretend_gpu import guard

guard.load()
