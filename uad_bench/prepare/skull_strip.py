"""Skull-stripping tools, which segment the brain in a whole head: deepbet, or HD-BET where it is installed.

On a scan that is already skull-stripped these tools remove brain, lesions in particular: `brain_mask.BrainMask` never
runs them there.
"""

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from uad_bench.data.nifti.read import Image, Mask, Volume, read_mask
from uad_bench.errors import DataError, EnvironmentFault
from uad_bench.prepare.resampling.reorient import canonical
from uad_bench.types import BoolArray


@dataclass(frozen=True, eq=False)
class BrainExtraction:
    """The result of a tool: the brain on the grid of the image, before post-processing, and the tool with its version.

    agreement: Dice of the tool's coarse and fine prediction, where it makes two; low for images unlike its training.
    """

    brain: Mask
    tool: str
    agreement: float | None = None


def extract_brain(image: Image, stripper: str, where: str = "") -> BrainExtraction:
    """The brain of a whole head of any contrast, by the tool `stripper`; "auto": the first one installed.

    where: names the case in errors. Raises EnvironmentFault where the tool is not installed or fails (UB601, UB602),
    DataError where it finds no brain (UB331).
    """
    found = TOOLS[available_tool(stripper)](image, where)
    if not found.brain.array.any():
        hint = "is it a whole head? otherwise provide its brain mask"
        raise DataError(f"{found.tool} found no brain", where=where, hint=hint, code="UB331")
    return found


def available_tool(stripper: str) -> str:
    """The name of the tool: `stripper`, or for "auto" deepbet, else hd-bet. Raises EnvironmentFault (UB601)."""
    installed = {"deepbet": find_spec("deepbet") is not None, "hd-bet": shutil.which("hd-bet") is not None}
    for name, present in installed.items():
        if present and stripper in ("auto", name):
            return name
    if stripper == "hd-bet":
        hint = "install HD-BET 2, or leave `stripper` at auto"
        raise EnvironmentFault("the command hd-bet is not on the PATH", hint=hint, code="UB601")
    hint = "pip install 'uad-bench[strip]', or provide brain masks"
    what = f"the skull-stripping tool {stripper} is not installed"
    if stripper == "auto":
        what = "no skull-stripping tool is installed"
    raise EnvironmentFault(what, hint=hint, code="UB601")


def flip_dice(image: Image, found: BrainExtraction, stripper: str, where: str = "") -> float:
    """Dice of `found` and the same tool's mask of the head mirrored left to right, which takes a second extraction.

    0.987 to 0.995 on good scans, 0.958 on a poor one (seven whole heads).
    """
    axis = next(i for i, letter in enumerate(image.grid.axes) if letter in "LR")
    mirrored = Volume(np.flip(image.array, axis), image.affine)
    other = np.flip(extract_brain(mirrored, stripper, where).brain.array, axis)
    return dice(found.brain.array, other)


def dice(one: BoolArray, other: BoolArray) -> float:
    """The Dice coefficient of two masks of equal shape, 0 to 1; 0 where both are empty."""
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 0.0


def deepbet_mask(image: Image, where: str = "") -> BrainExtraction:
    """The brain by deepbet (Fisch et al. 2024): trained on T1; measured to work on T2 and FLAIR as well.

    Its function `run_bet` skips small files without a message, so its class is used. On the CPU with one thread, every
    machine and every number of workers computes the same mask.
    """
    array = canonical(image).array
    if not np.isfinite(array).all():
        array = np.nan_to_num(array, posinf=0, neginf=0)
    network, coarse = _deepbet()
    agreement = None
    try:
        with _one_torch_thread():
            fine = network.run_model(array) > 0.5
        agreement = round(dice(coarse.mask(), _subsampled(fine, coarse.mask().shape)), 4)
    except (AssertionError, ValueError):
        fine = np.zeros(array.shape, dtype=np.bool_)  # what it raises where it finds no brain
    except RuntimeError as error:
        hint = "probably not enough memory: use fewer workers"
        raise EnvironmentFault(f"deepbet failed: {error}", where=where, hint=hint, code="UB602") from error
    return BrainExtraction(_in_file_axes(fine, image), f"deepbet {version('deepbet')}", agreement)


def hd_bet_mask(image: Image, where: str = "") -> BrainExtraction:
    """The brain by the command `hd-bet` of HD-BET 2 (Isensee et al. 2019), on the CPU, without test-time mirroring.

    HD-BET downloads its own weights in its first run. Raises EnvironmentFault with its last line where it fails
    (UB602).
    """
    with tempfile.TemporaryDirectory() as folder:
        head, mask = Path(folder, "head.nii.gz"), Path(folder, "brain_bet.nii.gz")
        nib.save(nib.Nifti1Image(image.array, image.affine), head)  # type: ignore[no-untyped-call]
        files = ["-i", str(head), "-o", str(Path(folder, "brain.nii.gz"))]
        command = ["hd-bet", *files, "-device", "cpu", "--disable_tta", "--save_bet_mask", "--no_bet_image"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not mask.is_file():
            message = (done.stderr.strip() or done.stdout.strip() or "it wrote no mask").splitlines()[-1]
            hint = "HD-BET 2 with its weights is needed; try the command `hd-bet`"
            raise EnvironmentFault(f"hd-bet failed: {message}", where=where, hint=hint, code="UB602")
        return BrainExtraction(read_mask(mask, where, like=image.grid), "hd-bet")


TOOLS: dict[str, Callable[[Image, str], BrainExtraction]] = {"deepbet": deepbet_mask, "hd-bet": hd_bet_mask}


class CoarseNetwork:
    """deepbet's small network, which finds the box of the brain; it stores its last prediction."""

    def __init__(self, network: Any) -> None:  # a script module
        self._network = network
        self._prediction: Any = None

    def __call__(self, image: Any) -> Any:  # (1, 1, 128, 128, 128)
        self._prediction = self._network(image)
        return self._prediction

    def mask(self) -> BoolArray:
        """The brain in the whole image, 128 cells along each axis."""
        inside: BoolArray = self._prediction[0, 1].numpy() > 0.5
        return inside


@cache
def _deepbet() -> tuple[Any, CoarseNetwork]:
    """deepbet's two networks, loaded once. Raises EnvironmentFault where its weights are missing (UB602)."""
    try:
        from deepbet import bet
        from deepbet.utils import DATA_PATH
    except ImportError as error:
        raise EnvironmentFault(f"deepbet is broken: {error}", hint="install it again", code="UB602") from None
    if not all(Path(DATA_PATH, "models", name).is_file() for name in ("model.pt", "bbox_model.pt")):
        hint = "another package has overwritten its folder `data`: pip install --force-reinstall deepbet"
        raise EnvironmentFault("deepbet's weights are missing", where="data/models", hint=hint, code="UB602")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch warns about its own TorchScript
        network = bet.BrainExtraction(no_gpu=True)
    coarse = network.bbox_model = CoarseNetwork(network.bbox_model)
    return network, coarse


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _subsampled(mask: BoolArray, shape: tuple[int, ...]) -> BoolArray:
    """The mask's value at the middle of each of `shape` equal cells of its box."""
    indices = [
        ((np.arange(n) + 0.5) * size / n).astype(int) for n, size in zip(shape, mask.shape, strict=True)
    ]
    return mask[np.ix_(*indices)]


def _in_file_axes(mask: BoolArray, image: Image) -> Mask:
    """A mask of the RAS+ copy, with the axes of `image`."""
    ras = nib.orientations.axcodes2ornt("RAS")  # type: ignore[no-untyped-call]
    own = nib.orientations.io_orientation(image.affine)  # type: ignore[no-untyped-call]
    turn = nib.orientations.ornt_transform(ras, own)  # type: ignore[no-untyped-call]
    array: npt.NDArray[np.bool_] = nib.orientations.apply_orientation(mask, turn)  # type: ignore[no-untyped-call]
    return Volume(np.ascontiguousarray(array), image.affine)
