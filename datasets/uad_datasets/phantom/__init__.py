"""The synthetic cohort `phantom`: brains with exactly known lesions, generated from the MNI152 template."""

from uad_datasets.phantom.adapter import PhantomAdapter

__all__ = ["PhantomAdapter"]
