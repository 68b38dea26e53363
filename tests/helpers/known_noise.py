"""A network with known predictions, and the score of an inserted lesion."""

from dataclasses import replace

import torch

from uad_bench import Context


class Known(torch.nn.Module):
    """Returns `answer(x, t)` and records its inputs."""

    def __init__(self, answer):
        super().__init__()
        self.answer, self.inputs = answer, []

    def forward(self, x, t):
        self.inputs.append((x, t))
        return self.answer(x, t)


def mean_score_before_and_after(method, scan):
    """Mean score of a square of 8 x 8 voxels at (28, 28) in slice 3, before and after inverting its intensities."""
    image, square = scan.image.copy(), (slice(28, 36), slice(28, 36), 3)
    image[0][square] = 1 - image[0][square].round()
    scans = scan, replace(scan, image=image)
    return [method.score(one, Context())[square].mean() for one in scans]
