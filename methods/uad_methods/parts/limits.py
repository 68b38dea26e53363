"""Limits of the usual parameters of methods: smallest and largest value, by name."""

from collections.abc import Mapping

Limits = Mapping[str, tuple[float, float]]

_RATES = ("lr", "masked_lr", "gan_lr", "encoder_lr")
_COUNTS = ("steps", "masked_steps", "self_steps", "gan_steps", "critic_steps", "encoder_steps", "batch", "slices",
           "candidates", "every")  # fmt: skip
_WIDTHS = ("width", "encoder_width", "painter_width", "code", "window", "cells", "groups", "blocks")
_SHARES = ("dropout", "drop", "brain", "decay", "train_cut")
_WEIGHTS = ("weight_decay", "clip", "noise", "kl", "rec", "neg", "embed", "kappa", "penalty", "beta", "checked",
            "neighbours", "usual", "cosine", "wavelength")  # fmt: skip

LIMITS: Limits = {
    **dict.fromkeys(_RATES, (1e-12, 100.0)),
    **dict.fromkeys(_COUNTS, (1, 1e9)),
    **dict.fromkeys(_WIDTHS, (1, 65_536)),
    **dict.fromkeys(_SHARES, (0, 1)),
    **dict.fromkeys(_WEIGHTS, (0, 1e9)),
    "side": (0, 1024),
    "start": (1, 1000),
}
