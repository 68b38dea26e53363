"""The frozen network of a feature method: with weights from a file, or a variant of the method without them."""

from collections.abc import Mapping
from typing import Any, Literal

from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_methods.parts.features.filling import train_by_filling
from uad_methods.parts.features.pyramid import Pyramid, settle_statistics
from uad_methods.parts.images.square import to_square

Extractor = Literal["wide_resnet50", "resnet18", "self", "random"]
EfficientExtractor = Literal["efficientnet_b4", "resnet18", "self", "random"]
#: The variants of a method: every network but its default, which its type of `extractor` names first.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    name: {"extractor": name} for name in ("resnet18", "self", "random")
}
#: Slices whose statistics a network with random weights gets.
SETTLED = 64


def check_weights(method: str, extractor: Extractor | EfficientExtractor, weights: str) -> None:
    """Raise UsageError where an extractor lacks its file of weights, or where a file would be ignored."""
    external = extractor not in ("self", "random")
    if external and not weights:
        hint = f"give a file, --set {method}.weights=FILE, or run {method}:self or {method}:random"
        raise UsageError(f"{method} needs ImageNet weights of a {extractor}, and none were given", hint=hint)
    if weights and not external:
        what = f"{method}.weights would be ignored by {method}:{extractor}"
        raise UsageError(what, hint=f"drop {method}.weights, or run {method}")


def pyramid_of(extractor: Extractor | EfficientExtractor, stages: tuple[int, ...], width: int) -> Pyramid:
    """The pyramid of an extractor; width: channels of the first stage of `self` and `random`."""
    match extractor:
        case "self" | "random":
            return Pyramid("resnet18", stages, width)
        case _:
            return Pyramid(extractor, stages)


def learn_without_weights(
    pyramid: Pyramid,
    extractor: Extractor | EfficientExtractor,
    stack: SliceStack,
    ctx: Context,
    sizes: tuple[int, int, int],
) -> None:
    """First phase of `self` and `random`; nothing for the others. sizes: side of the slices, batch, steps of `self`."""
    if extractor == "random":
        settle_statistics(pyramid, to_square(stack.spread(SETTLED).image, sizes[0]))
    if extractor == "self":
        train_by_filling(pyramid, stack, ctx, sizes)
