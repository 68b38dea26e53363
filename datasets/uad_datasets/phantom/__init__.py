"""The embedded synthetic cohort."""

from uad_datasets.phantom.adapter import PhantomAdapter

__all__ = ["PhantomAdapter"]
