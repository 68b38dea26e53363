"""What tests of several methods share: a network that is known, and a spot that was not there before."""

from dataclasses import replace

import torch

from uad_bench import Context


class Known(torch.nn.Module):
    """Gives `answer(x, t)`, and keeps what it was shown."""

    def __init__(self, answer):
        super().__init__()
        self.answer, self.inputs = answer, []

    def forward(self, x, t):
        self.inputs.append((x, t))
        return self.answer(x, t)


def spot_before_and_after(method, scan):
    """Mean score of a square of 8 voxels at (28, 28) in slice 3, as it is and with its intensities turned round."""
    image, at = scan.image.copy(), (slice(28, 36), slice(28, 36), 3)
    image[0][at] = 1 - image[0][at].round()
    return [method.score(one, Context())[at].mean() for one in (scan, replace(scan, image=image))]
