"""Declarations of detection by lesion stratum: the recall of the lesions in one bin of size, contrast or place."""

from typing import NamedTuple

from uad_bench.evaluate.metrics.declarations.declaration import Declaration

#: What is measured of a lesion, as it stands in a formula.
_TRAITS = {
    "size": "volume in mm³",
    "contrast": "contrast",
    "depth": "depth in mm",
    "side": "position along x",
    "height": "position along z",
}
#: The units of traits in headings.
_UNITS = {"size": " mm³", "depth": " mm"}
#: Trait, bin, class, which lesions, lower end (included), upper end (excluded).
_BINS: tuple[tuple[str, str, str, str, float | None, float | None], ...] = (
    ("size", "lt10", "SizeLt10", "below 10 mm3", None, 10.0),
    ("size", "10to100", "Size10To100", "of 10 to 100 mm3", 10.0, 100.0),
    ("size", "100to1000", "Size100To1000", "of 100 to 1000 mm3", 100.0, 1000.0),
    ("size", "ge1000", "SizeGe1000", "of 1000 mm3 or more", 1000.0, None),
    ("contrast", "dark", "Dark", "darker than their surroundings", None, -1.0),
    ("contrast", "iso", "Iso", "about as bright as their surroundings", -1.0, 1.0),
    ("contrast", "bright", "Bright", "brighter than their surroundings", 1.0, None),
    ("depth", "lt10", "Shallow", "less than 10 mm below the surface of the brain", None, 10.0),
    ("depth", "ge10", "Deep", "10 mm or more below the surface of the brain", 10.0, None),
    ("side", "left", "Left", "in the left half of the brain", None, 1 / 2),
    ("side", "right", "Right", "in the right half of the brain", 1 / 2, None),
    ("height", "lower", "Lower", "in the lower third of the brain", None, 1 / 3),
    ("height", "middle", "Middle", "in the middle third of the brain", 1 / 3, 2 / 3),
    ("height", "upper", "Upper", "in the upper third of the brain", 2 / 3, None),
)


def _detection(
    trait: str, bin_name: str, cls: str, which: str, low: float | None, high: float | None
) -> Declaration:
    reasons = ("empty_brain", "no_threshold", f"no_lesion_of_{trait}", "no_case")
    ends = {key: end for key, end in (("low", low), ("high", high)) if end is not None}
    return Declaration(
        f"detect_{trait}_{bin_name}",
        f"lesion_strata:{cls}",
        summary=f"share found of lesions {which}",
        formula=f"lesions found / lesions, of those with {_interval(_TRAITS[trait], low, high)}",
        undefined=(*reasons, "no_image") if trait == "contrast" else reasons,
        per_rule=True,
        constants={"trait": trait, **ends},
    )


def _interval(quantity: str, low: float | None, high: float | None) -> str:
    start = "" if low is None else f"{_number(low)} ≤ "
    return f"{start}{quantity}" + ("" if high is None else f" < {_number(high)}")


def _number(end: float) -> str:
    """An end of a bin; thirds and halves as fractions."""
    fractions = {1 / 2: "1/2", 1 / 3: "1/3", 2 / 3: "2/3"}
    return fractions.get(end) or f"{end:g}".replace("-", "−")


class Stratum(NamedTuple):
    """One bin of a trait of lesions. text: its heading, "< 10 mm³" or "dark"."""

    trait: str
    text: str


def _text(trait: str, bin_name: str, low: float | None, high: float | None) -> str:
    """Bins with a unit are called by their ends, others by their names."""
    if (unit := _UNITS.get(trait)) is None:
        return bin_name
    if low is None:
        return f"< {high:g}{unit}"
    return f"≥ {low:g}{unit}" if high is None else f"{low:g} to {high:g}{unit}"


STRATA = tuple(_detection(*row) for row in _BINS)
#: The stratum behind the name of each metric; of each trait from the lowest bin to the highest.
STRATUM = {
    one.name: Stratum(trait, _text(trait, bin_name, low, high))
    for one, (trait, bin_name, _, _, low, high) in zip(STRATA, _BINS, strict=True)
}
