"""Losses, pretraining, noise and augmentation."""
