"""Losses, pretraining, random draws, noise and augmentation."""
