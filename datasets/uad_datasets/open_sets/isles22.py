"""ISLES 2022: acute stroke, 250 public cases with FLAIR, DWI and ADC, skull-stripped."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.atlas_v2 import NAME as ATLAS
from uad_datasets.demographics import age_of, sex_of
from uad_datasets.file_search import nifti_files
from uad_datasets.pairing import Files, Pairing, images_of, need_lesion_mask

log = logging.getLogger(__name__)

NAME = re.compile(r"(sub-strokecase\d{4}_ses-\d+)_((?i:adc|dwi|flair|msk))(?i:\.nii(\.gz)?)")
#: Of the sidecars.
KEYS = AGE, SEX = "PatientAge", "PatientSex"
LAYOUT = (
    "rawdata/sub-strokecase0001/ses-0001/sub-strokecase0001_ses-0001_{flair,dwi,adc}.nii.gz, or the same below "
    "{dwi,anat}/, and derivatives/sub-strokecase0001/ses-0001/sub-strokecase0001_ses-0001_msk.nii.gz"
)


@dataclass
class Isles22Adapter(DatasetAdapter):
    """The tree of the challenge or of Zenodo, or any part of it. A session is a case.

    The lesion mask is on the grid of DWI and ADC, FLAIR on its own: the mask is placed by its world coordinates. Age
    and sex come from the sidecars of the images. Files of ATLAS, the other task of the challenge, are an error.
    """

    name: ClassVar[str] = "isles22"
    modalities: ClassVar[tuple[str, ...]] = ("flair", "dwi", "adc")
    people: ClassVar[str] = "isles22"
    may_share: ClassVar[tuple[str, ...]] = ("atlas_v2",)
    about: ClassVar[str] = (
        "https://isles22.grand-challenge.org and Zenodo (CC BY-SA 4.0); Hernandez Petzsche et al., Scientific Data "
        "2022; docs/datasets/isles22.md"
    )

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per session; a DataError for one without lesion mask (UB333), and for files of ATLAS (UB334).

        Raises as `Pairing.cases`.
        """
        pairing, atlas = Pairing(root, LAYOUT), list[Path]()
        for path in nifti_files(root):
            if match := NAME.fullmatch(path.name):
                what = match[2].lower()
                pairing.put(match[1], "lesion_mask" if what == "msk" else what, path)
            elif ATLAS.fullmatch(path.name):
                atlas.append(path)
        faults = [_of_atlas(atlas)] if atlas else []
        if faults and not pairing.files:
            return iter(faults)
        pairing.leave_out_hidden()
        return chain(pairing.cases(_case), faults)


def _of_atlas(paths: list[Path]) -> DataError:
    what = f"{len(paths)} files are of ATLAS v2.0, the first {paths[0].name}"
    hint = "dataset atlas_v2 reads them; leave them out of the root"
    return DataError(what, where=paths[0].parent.name, hint=hint, code="UB334")


def _case(case_id: str, files: Files) -> Case:
    images = images_of(files, Isles22Adapter.modalities)
    facts = _facts(images.values())
    return Case(
        dataset=Isles22Adapter.name,
        case_id=case_id,
        subject_id=case_id.partition("_")[0],
        images=images,
        healthy=False,
        lesion_mask=need_lesion_mask(case_id, files, "msk"),
        lesion_kind="stroke",
        allow_other_mask_grid=True,
        stripped=True,
        age=_value(case_id, facts, AGE, age_of),
        sex=_value(case_id, facts, SEX, sex_of),
    )


def _facts(images: Any) -> dict[str, str]:
    """Age and sex as texts, each of the first sidecar that can be read and names it."""
    found: dict[str, str] = {}
    for path in images:
        sidecar = path.with_name(path.name.partition(".")[0] + ".json")
        try:
            content = json.loads(sidecar.read_text("utf-8-sig"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError) as error:
            log.warning("%s is not read: %s", sidecar.name, error)
            continue
        values = content if isinstance(content, dict) else {}
        for key in KEYS:
            found[key] = found.get(key) or str(values.get(key, "")).strip()
    return found


def _value(case_id: str, facts: dict[str, str], key: str, read: Any) -> Any:
    """A value of a sidecar; None with a warning for one that is no age or sex."""
    try:
        return read(facts.get(key, ""))
    except ValueError as error:
        log.warning("%s: %s of the sidecar is not used: %s", case_id, key, error)
        return None
