"""The voxels of a few cases as groups: lesion voxels of each lesion kind, and all other brain voxels."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from uad_bench.figures.components.density import JointSample, Numbers, Quantity
from uad_bench.figures.components.displacements import Displacements
from uad_bench.figures.components.sheet import CaseComponents, all_components

IMAGE = Quantity("image")


def joint_sample(cases: Sequence[CaseComponents]) -> JointSample | None:
    """Voxels by the first two components that are not displacements; by the image and the component if there is one.

    None without such a component. Cases that lack one of the components are skipped.
    """
    scalar = {name: found for name, found in all_components(cases).items() if found.kind != "shift"}
    names = list(scalar)[:2]
    if not names:
        return None
    quantities = [Quantity(name, scalar[name].unit) for name in names]

    def numbers(one: CaseComponents) -> Numbers:
        values = [one.components[name].values for name in names]
        return np.stack(values if len(names) > 1 else [one.case.image, *values])

    axes = (quantities[0], quantities[1]) if len(quantities) > 1 else (IMAGE, quantities[0])
    return JointSample(
        axes, *voxel_groups([one for one in cases if set(names) <= set(one.components)], numbers)
    )


def displacements(cases: Sequence[CaseComponents]) -> Displacements | None:
    """Positions and displaced positions of the first displacement; None where no component is one."""
    name = next((name for name, found in all_components(cases).items() if found.kind == "shift"), None)
    if name is None:
        return None

    def numbers(one: CaseComponents) -> Numbers:
        at = np.indices(one.case.map.shape)[:2]
        return np.concatenate([at, at + one.components[name].values])

    unit = all_components(cases)[name].unit or "voxels"
    outside, lesions = voxel_groups([one for one in cases if name in one.components], numbers)
    return Displacements(name, unit, outside, np.concatenate([outside[:0], *lesions.values()]))


def voxel_groups(
    cases: Sequence[CaseComponents], numbers: Callable[[CaseComponents], Numbers]
) -> tuple[Numbers, Mapping[str, Numbers]]:
    """Quantities `numbers` (k, X, Y, Z) of voxels outside all lesions (n, k) and in lesions of each kind (m, k)."""
    outside: list[Numbers] = []
    lesions: dict[str, list[Numbers]] = {}
    for one in cases:
        found, brain, lesion = numbers(one), one.case.brain_mask, one.case.lesion_mask
        outside.append(found[:, brain & ~lesion].T)
        if lesion.any():
            lesions.setdefault(one.case.label, []).append(found[:, brain & lesion].T)
    return np.concatenate(outside), {kind: np.concatenate(some) for kind, some in lesions.items()}
