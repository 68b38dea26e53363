"""Encoder and decoder of RA: weight counts and shapes."""

import pytest
import torch

from tests.helpers.networks import weight_count
from uad_methods.parts.networks.introvae import Decoder, Encoder


@pytest.mark.parametrize(("side", "weights"), [(128, 29_430_785), (96, 28_050_945)])
def test_weight_counts_are_as_published(side, weights):
    assert weight_count(Encoder(1, side, 64, 128)) + weight_count(Decoder(1, side, 64, 128)) == weights


def test_there_are_five_levels_of_features_and_the_output_has_the_input_s_size():
    encoder, decoder = Encoder(2, 128, 4, 8), Decoder(2, 128, 4, 8)
    code = encoder(torch.rand(2, 2, 128, 128))
    shapes = [tuple(f.shape[1:]) for f in code.features]
    assert shapes == [(4, 64, 64), (8, 32, 32), (16, 16, 16), (32, 8, 8), (32, 4, 4)]
    made = decoder(code.mean)
    assert made.shape == (2, 2, 128, 128) and made.min() >= 0 and made.max() <= 1
