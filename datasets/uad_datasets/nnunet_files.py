"""The files of an nnU-Net dataset, by case: those in its folders, or those that its dataset.json lists."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uad_bench.data.scan_names import EXTENSION
from uad_bench.errors import DataError
from uad_datasets.nnunet_json import LAYOUT, NAME, Description, fault

#: `imagesTs` has its lesion masks in `labelsTs`, if they are public; other folders, such as predictions, are not read.
SUFFIXES = ("Tr", "Ts", "Val")
NUMBERED = re.compile(r"(.+)_(\d{4})")


@dataclass(frozen=True)
class Found:
    """The files of a case: images by the number of their channel, and its lesion mask, if there is one.

    folder: where they are, `imagesTr`, or dataset.json, which lists them.
    """

    case_id: str
    folder: str
    images: Mapping[int, Path]
    mask: Path | None


def find_cases(root: Path, described: Description) -> list[Found | DataError]:
    """The files of every case, and a DataError for each file that is of no case (UB332) or is there twice (UB329).

    Raises DataError where dataset.json does not list the files as expected, and where no image has the number of its
    channel or the ending that dataset.json names (UB334).
    """
    if described.files:
        return [_listed(root, case_id, files) for case_id, files in described.files.items()]
    images = {suffix: _niftis(root / f"images{suffix}") for suffix in SUFFIXES}
    _refuse_foreign(root, described, [path for paths in images.values() for path in paths])
    return [
        one
        for suffix, paths in images.items()
        for one in _of_folder(paths, _niftis(root / f"labels{suffix}"), described.ending)
    ]


def _niftis(folder: Path) -> list[Path]:
    """The files of a folder that are named .nii or .nii.gz, also in capitals, and links that lead nowhere."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in paths if path.name[0] != "." and EXTENSION.search(path.name)]


def _stem(path: Path) -> str:
    return EXTENSION.sub("", path.name)


def _refuse_foreign(root: Path, described: Description, images: Sequence[Path]) -> None:
    """Raise DataError where no image is named as nnU-Net names them."""
    if images and not any(path.name.endswith(described.ending) for path in images):
        what = (
            f"file_ending is {described.ending}, but the images end otherwise: {images[0].relative_to(root)}"
        )
        raise fault(root / NAME, what, "correct file_ending in dataset.json")
    if images and not any(NUMBERED.fullmatch(_stem(path)) for path in images):
        what = f"no image has the number of its channel: {images[0].relative_to(root)}"
        decathlon = "nnUNetv2_convert_MSD_dataset converts 4-D images of the Medical Segmentation Decathlon"
        raise fault(root, what, f"expected {LAYOUT}; {decathlon}")


def _of_folder(images: Sequence[Path], masks: Sequence[Path], ending: str) -> Iterator[Found | DataError]:
    """The cases of a folder of images and its folder of masks."""
    by_case: dict[str, dict[int, Path]] = {}
    by_stem = {_stem(path): path for path in masks}
    names = Counter((path.parent, _stem(path)) for path in (*images, *masks))
    for path in images:
        match = NUMBERED.fullmatch(_stem(path))
        if match:
            by_case.setdefault(match[1], {})[int(match[2])] = path
        else:
            yield _misnamed(path, "an image without the number of its channel", f"expected {LAYOUT}")
    for case_id, found in by_case.items():
        mask = by_stem.pop(case_id, None)
        files = [*found.values(), *([mask] if mask else [])]
        other = [path for path in files if not path.name.endswith(ending)]
        twice = [path for path in files if names[path.parent, _stem(path)] > 1]
        if twice:
            what = f"two files are {twice[0].parent.name}/{_stem(twice[0])}, by their endings"
            yield DataError(what, where=case_id, hint="remove one of them", code="UB329")
        elif other:
            yield _misnamed(other[0], f"file_ending is {ending}", "rename the file", case_id)
        else:
            yield Found(case_id, files[0].parent.name, found, mask)
    for mask in by_stem.values():
        yield _misnamed(mask, "a mask without an image", "add the image, or remove the mask")


def _misnamed(path: Path, what: str, hint: str, where: str = "") -> DataError:
    short = f"{path.parent.name}/{path.name}"
    return DataError(f"{what}: {short}", where=where or _stem(path), hint=hint, code="UB332")


def _listed(root: Path, case_id: str, files: object) -> Found:
    """A case of `dataset` in dataset.json: {"images": [...], "label": ...}, with paths relative to the root."""
    images, mask = (files.get("images"), files.get("label")) if isinstance(files, dict) else (None, None)
    if not isinstance(images, list) or not all(isinstance(one, str) for one in (*images, mask)):
        hint = 'expected {"images": [...], "label": ...} with a path for each channel'
        raise fault(root / NAME, f"{case_id} has no images and label", hint)
    return Found(
        case_id, NAME, {number: root / image for number, image in enumerate(images)}, root / str(mask)
    )
