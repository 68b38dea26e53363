"""A dataset as downloaded, made of small volumes under its real names, through all commands to a run of `thresh`."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np

from tests.helpers.toy_data import AFFINE, SHAPE, make
from tests.helpers.workspace import PROTOCOL, Answer, Workspace, own_environment
from uad_bench.prepare.skull_strip import BrainExtraction
from uad_bench.prepare.steps import brain_mask

#: What a planted file shows: a scan, or a mask with these labels in equal parts of the lesion, from low to high x.
Content = str | tuple[int, ...]


class DatasetRun(Workspace):
    """A folder `data` for a dataset, and a folder `others` with healthy and ill cases of the dataset `folder`."""

    def __init__(self, root: Path, dataset: str, modality: str, *options: str) -> None:
        super().__init__(root)
        self.dataset, self.modality, self.options = dataset, modality, options
        self.others = make(root / "others", healthy=5, lesions=1)
        with (self.others / "cases.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["case_id", modality, "brain_mask", "lesion_mask", "healthy"])
            for image in sorted(self.others.glob("*_t2.nii.gz")):
                case = image.name[:3]
                lesion = "" if case[0] == "h" else f"{case}_lesion.nii.gz"
                writer.writerow([case, image.name, f"{case}_brain.nii.gz", lesion, "no" if lesion else "yes"])

    def plant(self, files: Mapping[str, Content], seed: int = 0, every: int = 1, ill: bool = False) -> None:
        """Write these files, all of one person: skull-stripped scans, or masks of one lesion with its labels.

        every: the files have each second, third ... voxel of every axis alone; ill: the scans show the lesion, as they
        do where there is a mask among the files.
        """
        rng = np.random.default_rng(seed)
        grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij"))
        radius = np.sqrt((grid**2).sum(0))
        brain, lesion = radius < 0.85, np.sqrt(((grid - 0.2) ** 2).sum(0)) < 0.3
        ill = ill or any(not isinstance(content, str) and content for content in files.values())
        for name, content in files.items():
            image = (0.4 + 0.3 * np.cos(5 * radius) + 0.02 * rng.normal(size=SHAPE)) * brain
            image[lesion & ill] = 1.0
            array = (1000 * image).astype(np.int16) if isinstance(content, str) else _labels(lesion, content)
            path = self.data / name
            path.parent.mkdir(parents=True, exist_ok=True)
            affine = AFFINE @ np.diag([every, every, every, 1.0])
            nib.save(nib.Nifti1Image(array[::every, ::every, ::every], affine), path)

    def through(self, *, trains: bool = False, test: str = "") -> None:
        """`data check`, `prepare`, `audit` and `run thresh`, without an error.

        trains: whether the dataset is the training set; test: the test sets, by default the dataset.
        """
        test = test or ("folder" if trains else self.dataset)
        roles = ("train", self.dataset if trains else "folder"), ("test", f"[{test}]")
        sets = [f"protocol.{key}={value}" for key, value in (*roles, ("modalities", f"[{self.modality}]"))]
        words = [word for text in (*sets, *self.options) for word in ("--set", text)]
        own = ["--data", f"{self.dataset}={self.data}"]
        both = [*own, "--data", f"folder={self.others}", "--protocol", PROTOCOL, *words]
        options = [word for text in self.options for word in ("--set", text)]
        self.passes("data", "check", self.dataset, *own, *options, "--workers", "1")
        self.passes("prepare", self.dataset, *both, "--workers", "1")
        self.passes("audit", *both)
        self.passes("run", "thresh", *both, "--out", self.runs, "--threads", "1", "--quiet")

    def passes(self, *words: object) -> Answer:
        """A command that ends without an error."""
        answer = self.call(*words)
        assert answer.code == 0, answer.out + answer.err
        return answer

    def metrics(self) -> dict[str, float]:
        """The values of the single run over all cases."""
        rows = [row for row in self.table("metrics.csv") if row["group"] == "all"]
        return {row["metric"]: float(row["value"]) for row in rows if row["value"]}


def _labels(lesion: np.ndarray, labels: tuple[int, ...]) -> np.ndarray:
    found = np.flatnonzero(lesion)
    mask = np.zeros(lesion.size, np.uint8)
    for label, part in zip(labels, np.array_split(found, max(len(labels), 1)), strict=False):
        mask[part] = label
    return mask.reshape(lesion.shape)


@contextmanager
def dataset_run(root: Path, dataset: str, modality: str, *options: str) -> Iterator[DatasetRun]:
    """A DatasetRun in its own environment, with a tool for whole heads that takes voxels with data as the brain."""
    with own_environment(root) as patch:
        patch.setattr(brain_mask, "extract_brain", _voxels_with_data)
        yield DatasetRun(root, dataset, modality, *options)


def _voxels_with_data(image, stripper, where=""):
    return BrainExtraction(brain_mask.Mask(image.array > 0, image.affine), "toy", 1.0)
