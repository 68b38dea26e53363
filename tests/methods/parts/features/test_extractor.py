"""Extractors with weights from a file and without: what is refused, widths, the first phase."""

import pytest
import torch

from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_bench.testing import toy_scans
from uad_methods.parts.features.extractor import check_weights, learn_without_weights, pyramid_of

SIZES = (32, 4, 2)


@pytest.mark.parametrize(
    ("extractor", "weights"),
    [
        ("wide_resnet50", ""),
        ("efficientnet_b4", ""),
        ("resnet18", ""),
        ("self", "w.pth"),
        ("random", "w.pth"),
    ],
)
def test_a_missing_file_and_one_that_would_be_ignored_are_refused_in_one_line(extractor, weights):
    with pytest.raises(UsageError, match=r"mine:|mine needs") as refusal:
        check_weights("mine", extractor, weights)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("extractor", "weights"),
    [
        ("wide_resnet50", "w.pth"),
        ("efficientnet_b4", "w.pth"),
        ("resnet18", "w.pth"),
        ("self", ""),
        ("random", ""),
    ],
)
def test_other_combinations_pass(extractor, weights):
    check_weights("mine", extractor, weights)


def test_the_width_is_that_of_extractors_without_a_file():
    with torch.device("meta"):
        found = {
            name: pyramid_of(name, (1, 2), 8).channels
            for name in ("wide_resnet50", "resnet18", "self", "random")
        }
    assert found == {
        "wide_resnet50": [256, 512], "resnet18": [64, 128], "self": [8, 16], "random": [8, 16]
    }  # fmt: skip


@pytest.mark.parametrize("extractor", ["resnet18", "self", "random"])
def test_the_first_phase_changes_what_its_extractor_needs_and_ends_in_eval_mode(extractor):
    torch.manual_seed(0)
    pyramid, ctx = pyramid_of("random", (1, 2), 4).eval(), Context()
    before = {name: value.clone() for name, value in pyramid.state_dict().items()}
    learn_without_weights(pyramid, extractor, SliceStack(toy_scans(2), ctx), ctx, SIZES)
    after = pyramid.state_dict()
    assert not any(module.training for module in pyramid.modules()) and not pyramid.learning
    changed = {
        name.rpartition(".")[2] for name, value in before.items() if not torch.equal(after[name], value)
    }
    statistics = {"running_mean", "running_var", "num_batches_tracked"}
    expected = {"resnet18": set(), "random": statistics, "self": statistics | {"weight", "bias"}}
    assert changed == expected[extractor]
