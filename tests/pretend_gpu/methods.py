"""All built-in methods and variants by name, with parameters for seconds of training and random external weights."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

#: Left out: 84 M trained weights, many times in memory. `rd4ad:resnet18` runs the same code with a smaller network.
LARGE = ("rd4ad",)


def names() -> list[str]:
    """Every built-in method and variant; variants that only name combinations of others are left out."""
    from uad_bench import plugins

    entries = [e for e in plugins.catalogue().names("method") if e.target.startswith("uad_methods.")]
    found = []
    for entry in entries:
        variants = plugins.load(entry).variants
        found += [] if entry.name in LARGE else [entry.name]
        found += [f"{entry.name}:{one}" for one in variants if one and not one.endswith("-other")]
    return found


def made(name: str, folder: Path) -> Any:
    """A method with the parameters of its variant and `tiny` ones for the rest; weight files go to `folder`."""
    from uad_bench.errors import UsageError
    from uad_bench.plugins import load, resolve

    base, _, variant = name.partition(":")
    cls = load(resolve("method", base))
    parameters = {**cls.tiny, **cls.variants.get(variant, {})}
    try:
        return cls(**parameters)
    except UsageError:  # it needs external weights
        return cls(**parameters, **_weights(cls, folder, parameters))


def _weights(cls: type[Any], folder: Path, given: Mapping[str, Any]) -> dict[str, str]:
    """Parameters that name weight files with random values, one for every parameter `NAME` with a `NAME_sha256`."""
    from uad_methods.parts.features.wide_resnet50 import WideResNet50
    from uad_methods.parts.networks.efficientnet.b4 import EfficientNetB4
    from uad_methods.parts.networks.lpips import LPIPS
    from uad_methods.parts.networks.resnet18 import ResNet18
    from uad_methods.parts.networks.vgg19 import VGG19
    from uad_methods.parts.networks.vit import VisionTransformer

    parameters = cls.__dataclass_fields__
    extractor = given.get("extractor", getattr(cls, "extractor", ""))
    backbones = {"wide_resnet50": lambda: WideResNet50(stages=3), "efficientnet_b4": EfficientNetB4}
    tokens = given.get("encoder", getattr(cls, "encoder", "")) == "dinov2"
    makers: Mapping[str, Any] = {
        "weights": VisionTransformer if tokens else backbones.get(extractor, lambda: ResNet18(stages=3)),
        "squeezenet": lambda: LPIPS().trunk,
        "heads": lambda: LPIPS().heads,
        "vgg19": VGG19,
    }
    found = {}
    for name, make in makers.items():
        digest = "sha256" if name == "weights" else f"{name}_sha256"
        if digest not in parameters:  # the `heads` of an attention are a number
            continue
        file = folder / f"{name}.pth"
        if not file.exists():
            torch.manual_seed(0)
            torch.save(
                {
                    key: value.abs() if name == "heads" else value
                    for key, value in make().state_dict().items()
                },
                file,
            )
        found[name] = str(file)
        found[digest] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found
