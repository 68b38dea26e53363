"""Synthetic anomalies for slices of healthy brains, made for whole batches on the device."""
