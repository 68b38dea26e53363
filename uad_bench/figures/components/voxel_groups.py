"""The voxels of opened cases as groups: those of each lesion kind, and all others of the brain."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from uad_bench.figures.components.density import Axis, Cloud, Numbers
from uad_bench.figures.components.displacements import Places
from uad_bench.figures.components.sheet import Opened, all_parts

IMAGE = Axis("image")


def cloud(opened: Sequence[Opened]) -> Cloud | None:
    """The first two components that are no shift, or the image and the only one; None where there is none."""
    parts = {name: part for name, part in all_parts(opened).items() if part.kind != "shift"}
    names = list(parts)[:2]
    if not names:
        return None
    axes = [Axis(name, parts[name].unit) for name in names]

    def numbers(one: Opened) -> Numbers:
        values = [one.parts[name].values for name in names]
        return np.stack(values if len(names) > 1 else [one.panel.image, *values])

    shown = [one for one in opened if set(names) <= set(one.parts)]
    return Cloud((axes[0], axes[1]) if len(axes) > 1 else (IMAGE, axes[0]), *groups(shown, numbers))


def places(opened: Sequence[Opened]) -> Places | None:
    """From where to where the first shift leads; None where no component is one."""
    name = next((name for name, part in all_parts(opened).items() if part.kind == "shift"), None)
    if name is None:
        return None

    def numbers(one: Opened) -> Numbers:
        at = np.indices(one.panel.map.shape)[:2]
        return np.concatenate([at, at + one.parts[name].values])

    unit = all_parts(opened)[name].unit or "voxels"
    others, lesions = groups([one for one in opened if name in one.parts], numbers)
    return Places(name, unit, others, np.concatenate([others[:0], *lesions.values()]))


def groups(
    opened: Sequence[Opened], numbers: Callable[[Opened], Numbers]
) -> tuple[Numbers, Mapping[str, Numbers]]:
    """Of `numbers` (k, X, Y, Z), those outside all lesions (n, k), and those of each kind of lesion (m, k)."""
    others: list[Numbers] = []
    lesions: dict[str, list[Numbers]] = {}
    for one in opened:
        found, brain, lesion = numbers(one), one.panel.brain_mask, one.panel.lesion_mask
        others.append(found[:, brain & ~lesion].T)
        if lesion.any():
            lesions.setdefault(one.panel.label, []).append(found[:, brain & lesion].T)
    return np.concatenate(others), {kind: np.concatenate(some) for kind, some in lesions.items()}
