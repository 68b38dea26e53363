import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from tests.helpers.page_protocol import page_protocol
from uad_bench.config import Protocol, load_protocol, protocol_names
from uad_bench.evaluate import postprocess
from uad_bench.prepare.chain import PreparedArrays, parse_steps, run_chain
from uad_bench.prepare.registration.atlas import load_atlas
from uad_bench.prepare.steps.resample import Resample
from uad_bench.types import Case

OURS, PAPERS = ("uad-2mm", "uad-1mm"), ("pddpm-2mm", "patch2loc-1mm")
DOCS = Path(__file__).parents[1] / "docs/protocols.md"


def head(affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """A narrow brain of 0.55 litres with ventricles and folds, in the world's coordinates; 0 outside."""
    world = np.tensordot(affine[:3, :3], np.indices(shape), 1) + affine[:3, 3].reshape(3, 1, 1, 1)
    x, y, z = world[0], world[1] + 15, world[2] - 5
    radius = np.sqrt((x / 44) ** 2 + (y / 52) ** 2 + ((z + 0.1 * y) / 58) ** 2)
    folds = 20 * np.sin(x / 3) * np.cos(y / 3.5) * np.sin(z / 3.2) + 8 * np.sin(y / 17)
    image = np.where(radius < 0.8, 130.0, 90.0) + folds
    image[((abs(x) - 12) / 7) ** 2 + ((y - 8) / 28) ** 2 + ((z - 8) / 12) ** 2 < 1] = 30
    return np.where(radius < 1, ndimage.gaussian_filter(image, 0.5), 0).astype(np.float32)


@pytest.fixture
def atlas(write_nifti) -> str:
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = (-50, -76, -66)
    return str(write_nifti("atlas.nii.gz", head(affine, (51, 61, 71)), affine))


@pytest.fixture
def case(write_nifti) -> Case:
    """The brain of the atlas, tilted and stretched, 1.8 mm, with lesions of 6 mm in and below the crop."""
    affine = np.diag([1.8, 1.8, 1.8, 1])
    affine[:3, 3] = (-56, -84, -76)
    shape = (62, 74, 84)
    tilt = np.array([[1.05, 0.06, 0, 4], [-0.06, 1.0, 0.05, -3], [0, -0.05, 0.96, 5], [0, 0, 0, 1]])
    image = head(tilt @ affine, shape)
    image = np.where(image > 0, 200 - image, 0).astype(np.float32)
    lesions = np.zeros(shape, np.uint8)
    lesions[36:40, 38:42, 44:48] = 1
    lesions[30:34, 36:40, 11:14] = 1
    lesions[image == 0] = 0
    files = {"t2": write_nifti("case_t2.nii.gz", image, affine)}
    mask = write_nifti("case_m.nii.gz", lesions, affine)
    return Case("toy", "case-1", "case-1", files, healthy=False, lesion_mask=mask, stripped=True)


def with_atlas(name: str, path: str) -> Protocol:
    """The protocol with another atlas, and landmarks where some would be learnt."""
    protocol = load_protocol(name)
    landmarks = {"t2": np.linspace(0, 100, 11).tolist()}
    steps = [
        step
        | ({"atlas": path} if "atlas" in step else {})
        | ({"landmarks": landmarks} if step["step"] == "histogram" and "landmarks" not in step else {})
        for step in protocol.prepare
    ]
    return load_protocol(name, {"prepare": steps})


def ends_on_its_grid(protocol: Protocol, result: PreparedArrays) -> None:
    assert result.image.shape == (1, *protocol.grid.shape)
    spacing = np.linalg.norm(result.affine[:3, :3], axis=0)
    np.testing.assert_allclose(spacing, protocol.grid.spacing, atol=1e-6)
    json.dumps(result.record, allow_nan=False)
    assert result.image.min() == 0
    assert result.image.max() == pytest.approx(1, abs=1e-6)
    if protocol.grid.centre != "brain":
        middle = result.affine @ [*(np.array(protocol.grid.shape) - 1) / 2, 1]
        np.testing.assert_allclose(middle[:3], protocol.grid.centre, atol=1e-9)


@pytest.mark.parametrize("name", [*OURS, *PAPERS])
def test_the_chain_of_a_protocol_ends_on_its_grid(name, case, atlas):
    protocol = with_atlas(name, atlas)
    # These two take most of the time and change no grid; the slow test has them.
    steps = [step for step in protocol.steps if step["step"] not in {"n4", "register"}]
    result = run_chain(case, protocol.modalities, steps)
    ends_on_its_grid(protocol, result)
    if name in PAPERS:
        size = np.prod(protocol.grid.spacing)
        assert result.lost * size == pytest.approx(245, abs=size)  # of the lesion below the crop, mm3
        assert result.lesion_mask.any()
    else:
        assert result.lost == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", [*OURS, *PAPERS])
def test_the_whole_chain_of_a_protocol_ends_on_its_grid(name, case, atlas):
    protocol = with_atlas(name, atlas)
    result = run_chain(case, protocol.modalities, protocol.steps)
    ends_on_its_grid(protocol, result)
    assert [step["step"] for step in result.record] == [step["step"] for step in protocol.prepare]


@pytest.mark.parametrize("name", [*OURS, *PAPERS])
def test_a_shipped_protocol_loads_and_its_steps_exist(name):
    protocol = load_protocol(name)
    assert protocol.name == name
    assert protocol_names()[name].stem == name
    assert parse_steps(protocol.steps)
    assert postprocess.parse(protocol.postprocess)
    assert protocol.test == ("brats21", "mslub")
    assert protocol.train == "ixi"


def test_our_grids_hold_the_whole_brain_of_the_atlas():
    mask = load_atlas("mni152").mask
    for name in OURS:
        grid = Resample.model_validate(
            next(s for s in load_protocol(name).steps if s["step"] == "resample")
        ).grid(mask)
        there = np.argwhere(mask.array) @ mask.affine[:3, :3].T + mask.affine[:3, 3]
        index = np.linalg.solve(grid.affine, np.column_stack([there, np.ones(len(there))]).T)[:3]
        inside = ((index >= -0.5) & (index < np.array(grid.shape)[:, None] - 0.5)).all(axis=0)
        assert inside.mean() > 0.999


def test_the_papers_steps_come_in_the_papers_order():
    common = ["canonical", "isotropic", "brain_mask", "register", "atlas_grid", "cut", "n4", "curvature_flow"]
    steps = {name: [step["step"] for step in load_protocol(name).prepare] for name in PAPERS}
    assert steps["pddpm-2mm"] == [*common, "crop_or_pad", "scale", "downsample"]
    assert steps["patch2loc-1mm"] == [*common, "histogram", "crop_or_pad", "scale"]
    landmarks = next(s for s in load_protocol("patch2loc-1mm").prepare if s["step"] == "histogram")
    assert landmarks["landmarks"]["t2"] == [0, 0, 0, 0, 0, 0, 28.41, 33.61, 38.94, 50.63, 100]


def test_patch2loc_tests_on_every_lesion_case_and_pddpm_keeps_some_for_its_threshold():
    assert load_protocol("patch2loc-1mm").splits.tune == {}
    assert "tune" not in load_protocol("patch2loc-1mm").thresholds
    assert load_protocol("pddpm-2mm").splits.tune == pytest.approx(
        {"brats21": 100 / 1251, "mslub": 1 / 3}, abs=0.02
    )


def test_only_steps_that_learn_are_left_to_be_fitted():
    waiting = {
        name: [step.step for step in parse_steps(load_protocol(name).steps) if step.needs_fit]
        for name in (*OURS, *PAPERS)
    }
    assert waiting == {
        "uad-2mm": ["histogram"],
        "uad-1mm": ["histogram"],
        "pddpm-2mm": [],
        "patch2loc-1mm": [],
    }


def test_the_example_of_the_page_has_the_known_steps_of_uad_imag(tmp_path, case, atlas):
    protocol = with_atlas(page_protocol(tmp_path), atlas)
    assert protocol.name not in protocol_names() and "uad-imag" not in protocol_names()
    assert postprocess.parse(protocol.postprocess)
    steps = [step for step in protocol.steps if step["step"] != "register"]
    result = run_chain(replace(case, images={"t1": case.images["t2"]}), protocol.modalities, steps)
    ends_on_its_grid(protocol, result)
    assert result.lost == 0 and result.lesion_mask.any()


def test_the_page_on_protocols_names_every_protocol_and_every_step():
    page = DOCS.read_text()
    for name in protocol_names():
        assert f"`{name}`" in page
    for name in (*OURS, *PAPERS):
        for step in load_protocol(name).prepare:
            assert f"`{step['step']}`" in page
