import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np

from tests.helpers.toy_brains import centred, distances, pose_of, toy
from uad_bench.data.nifti.read import Volume
from uad_bench.prepare.registration.affine import AffineRegistration, Fit, rigid_part
from uad_bench.prepare.registration.initial_poses import isotropic_brain

POSE = pose_of((12, -8, 10), scales=(1.08, 0.93, 1.05), shift=(8, -12, 15))
GRID = centred((66, 76, 66), 3.0)


@cache
def fit() -> AffineRegistration:
    return AffineRegistration(isotropic_brain(*toy()))


@cache
def fitted() -> Fit:
    return fit()(isotropic_brain(*toy(POSE, GRID.affine, GRID.shape)))


def test_a_known_movement_is_found():
    assert distances(fitted().pose, POSE).max() < 0.5


def test_a_head_in_any_direction_is_found():
    pose, grid = (
        pose_of((170, 35, -80), scales=(0.9, 0.95, 0.9), shift=(10, -5, 8)),
        centred((76, 76, 76), 3.0),
    )
    found = fit()(isotropic_brain(*toy(pose, grid.affine, grid.shape)))
    assert distances(found.pose, pose).max() < 1


def test_another_contrast_in_thick_slices_under_a_sheared_header_is_found_too():
    grid = centred((160, 160, 28), 1.3, 1.3, 6.0)
    header = pose_of((30, 60, -45), shift=(80, -80, 80))
    header[:3, 1] += 0.05 * header[:3, 0]
    seen = toy(POSE, grid.affine, grid.shape, inverted=True)
    moved = (Volume(volume.array, header @ volume.affine) for volume in seen)
    found = fit()(isotropic_brain(*moved)).pose
    assert distances(found, header @ POSE).mean() < 1


def test_what_the_field_of_view_cuts_away_does_not_pull():
    whole = toy(POSE, GRID.affine, GRID.shape)
    low = np.flatnonzero(whole[1].array.any(axis=(0, 1)))[-1] - 6
    cut = (Volume(volume.array[:, :, :low], volume.affine) for volume in whole)
    assert distances(fit()(isotropic_brain(*cut)).pose, POSE).mean() < 1


def test_the_rigid_part_keeps_size_and_leads_the_centre_to_its_place():
    centre = np.array([3.0, -20, 10])
    rigid = rigid_part(POSE, centre)
    np.testing.assert_allclose(rigid[:3, :3] @ rigid[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(rigid @ [*centre, 1], POSE @ [*centre, 1])
    np.testing.assert_allclose(rigid[:3, :3], pose_of((12, -8, 10))[:3, :3], atol=1e-12)


def test_two_processes_and_two_threads_give_the_same_bits():
    here = hashlib.sha256(fitted().pose.tobytes()).hexdigest()
    code = (
        "from tests.prepare.registration.test_affine import *; "
        "print(hashlib.sha256(fitted().pose.tobytes()).hexdigest())"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "2"}
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, stdout=subprocess.PIPE, check=True, text=True
    )
    assert done.stdout.strip() == here
