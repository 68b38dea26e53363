"""Facts of real scans beside those of the synthetic cohort: intensities, noise, bias, sharpness, MS lesions.

    OMP_NUM_THREADS=1 python -m benchmarks.phantom_facts [--data ../shared/data] [--healthy 24] [--ms 36]

Real scans are read from $UAD_BENCH_SHARED/data or ../shared/data, brought to 2 mm by the steps of the protocol
`phantom`, and measured outside their lesions; without them, only the cohorts are measured. Prints a Markdown table
with the quartiles (25, 50, 75 %) over subjects. No method and no metric of a method enters: the cohort is calibrated
against these facts alone.
"""

import argparse
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.image_facts import Volume, contrast, image_facts, quantiles
from benchmarks.lesion_facts import REAL, Patient, lesion_facts
from uad_datasets.phantom.generate import Recipe

#: T2 scans: image, brain mask, lesion mask ("" where there is none).
SCANS = {
    "IXI002": ("IXI_brain/IXI-T2/IXI002-Guys-0828-T2", "IXI_brain/IXI-T2/IXI002-Guys-0828-T2_mask", ""),
    "MSLUB 07": tuple(f"MSLUB/patient07/patient07_{part}" for part in ("T2W", "brainmask", "consensus_gt")),
    "MSLUB 19": tuple(f"MSLUB/patient19/patient19_{part}" for part in ("T2W", "brainmask", "consensus_gt")),
    "BraTS 00001": ("BraTS21/BraTS2021_00001/BraTS2021_00001_t2", "", "BraTS21/BraTS2021_00001/BraTS2021_00001_seg"),
    "BraTS 96692": ("BraTS21/BraTS2021_96692/BraTS2021_96692_t2", "", "BraTS21/BraTS2021_96692/BraTS2021_96692_seg"),
    "stroke": tuple(f"stroke/clin01/clin01_{part}" for part in ("T2W", "brainmask", "lesion")),
}  # fmt: skip
#: MS patients and the modalities in which the contrast of their lesions is measured.
PATIENTS = {"07": ("T2W", "FLAIR"), "19": ("T1W", "T2W", "FLAIR")}
BRATS = tuple(f"BraTS21/BraTS2021_{case}/BraTS2021_{case}_" for case in ("00001", "96692"))
#: T1 and FLAIR scans, for their intensities.
OTHERS = (
    ("t1", ("IXI_brain/IXI-T1/IXI002-Guys-0828-T1", "IXI_brain/IXI-T1/IXI002-Guys-0828-T1_mask", "")),
    ("flair", tuple(f"MSLUB/patient07/patient07_{k}" for k in ("FLAIR", "brainmask", "consensus_gt"))),
    ("flair", tuple(f"MSLUB/patient19/patient19_{k}" for k in ("FLAIR", "brainmask", "consensus_gt"))),
    *((m, (f"{stem}{m}", "", f"{stem}seg")) for stem in BRATS for m in ("t1", "flair")),
    ("t1", tuple(f"MSLUB/patient19/patient19_{k}" for k in ("T1W", "brainmask", "consensus_gt"))),
)  # fmt: skip
MODALITY = {"T1W": "t1", "T2W": "t2", "FLAIR": "flair"}


@dataclass(frozen=True)
class Cohort:
    """Facts of one cohort: name of the fact -> one value per subject, or (quartiles) what is known of them."""

    name: str
    values: Mapping[str, list[float]]
    quartiles: Mapping[str, list[float]] = field(default_factory=dict)

    def cell(self, fact: str) -> str:
        """Quartiles of one fact over the subjects; the values themselves where there are at most two; "-" for none."""
        values = self.values.get(fact, [])
        known = self.quartiles.get(fact) or (
            values if len(values) < 3 else np.percentile(values, [25, 50, 75])
        )
        return " / ".join(f"{q:.0f}" if abs(q) >= 1000 else f"{q:.3g}" for q in known) or "-"


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    shared = os.environ.get("UAD_BENCH_SHARED") or Path(__file__).resolve().parents[2] / "shared"
    parser.add_argument("--data", type=Path, default=Path(shared) / "data")
    parser.add_argument("--healthy", type=int, default=24, help="healthy phantoms of each version")
    parser.add_argument("--ms", type=int, default=36, help="MS phantoms of each version")
    parser.add_argument("--versions", default="4,5")
    given = parser.parse_args()
    cohorts = [real(given.data)] + [
        synthetic(int(version), given.healthy, given.ms) for version in given.versions.split(",")
    ]
    print(table(cohorts))


def table(cohorts: Sequence[Cohort]) -> str:
    """A Markdown table with a row per fact and a column per cohort."""
    facts = list(dict.fromkeys(fact for cohort in cohorts for fact in cohort.values))
    lines = [f"| fact | {' | '.join(cohort.name for cohort in cohorts)} |", "|---" * (len(cohorts) + 1) + "|"]
    lines += [f"| {fact} | {' | '.join(cohort.cell(fact) for cohort in cohorts)} |" for fact in facts]
    return "\n".join(lines)


def real(data: Path) -> Cohort:
    """The facts of the real scans under `data`; lesion counts and sizes are those of all 30 MSLUB patients."""
    facts = [image_facts(prepared(data, "t2", *SCANS[name])) for name in SCANS if (data / "MSLUB").is_dir()]
    facts += [quantiles(m, prepared(data, m, *paths)) for m, paths in OTHERS if (data / "MSLUB").is_dir()]
    contrasts = [one for patient in PATIENTS for one in patient_contrasts(data, patient)]
    return Cohort("real", {**collected(facts), **{fact: [] for fact in REAL}, **collected(contrasts)}, REAL)


def patient_contrasts(data: Path, patient: str) -> Iterable[dict[str, float]]:
    """The lesion contrast of one MSLUB patient in each modality."""
    for part in PATIENTS[patient]:
        stem = f"MSLUB/patient{patient}/patient{patient}_"
        if (data / f"{stem}{part}.nii.gz").is_file():
            volume = prepared(data, part, stem + part, f"{stem}brainmask", f"{stem}consensus_gt")
            yield {f"{MODALITY[part]}: {k}": v for k, v in contrast(volume).items()}


def prepared(data: Path, modality: str, image: str, brain: str, lesion: str) -> Volume:
    """One scan on the grid of protocol `phantom`, not scaled."""
    from uad_bench.prepare.chain import load, parse_steps
    from uad_bench.types import Case

    image, brain, lesion = (str(data / f"{name}.nii.gz") if name else "" for name in (image, brain, lesion))
    case = Case(
        "facts", "scan", "scan", {modality: Path(image)}, healthy=not lesion, stripped=True,
        lesion_mask=Path(lesion) if lesion else None, brain_mask=Path(brain) if brain else None,
    )  # fmt: skip
    resample = {"step": "resample", "spacing": [2, 2, 2], "shape": [80, 96, 80], "centre": "brain"}
    working = load(case, [modality])
    for step in parse_steps([{"step": "canonical"}, {"step": "brain_mask"}, resample]):
        working = step.apply(working)
    brain_mask = working.brain().array > 0
    lesions = working.lesion_mask.array > 0 if working.lesion_mask is not None else np.zeros_like(brain_mask)
    return Volume(working.images[modality].array.astype(np.float32), brain_mask, lesions & brain_mask)


def synthetic(version: int, healthy: int, ms: int) -> Cohort:
    """The facts of one version of the cohort, seed 0."""
    recipe = Recipe(version)
    facts = []
    for i in range(healthy):
        phantom = recipe.make(f"phantom-h{i:03d}", "")
        volumes = {m: Volume(v, phantom.brain_mask, phantom.lesion_mask) for m, v in phantom.images.items()}
        facts.append(
            image_facts(volumes["t2"]) | quantiles("t1", volumes["t1"]) | quantiles("flair", volumes["flair"])
        )
    patients = [Patient.of(version, f"phantom-ms-{i:03d}") for i in range(ms)]
    return Cohort(
        f"v{version}",
        {
            **collected(facts),
            **lesion_facts(patients),
            **collected([phantom_contrasts(one.phantom) for one in patients]),
        },
    )


def phantom_contrasts(phantom: Any) -> dict[str, float]:
    """The lesion contrast of one MS phantom in each modality."""
    return {
        f"{modality}: {fact}": value
        for modality, image in phantom.images.items()
        for fact, value in contrast(Volume(image, phantom.brain_mask, phantom.lesion_mask)).items()
    }


def collected(rows: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Fact -> its values over the subjects that have one."""
    facts = dict.fromkeys(fact for row in rows for fact in row)
    return {fact: [row[fact] for row in rows if fact in row and np.isfinite(row[fact])] for fact in facts}


if __name__ == "__main__":
    main()
