import os
import stat
import sys

import numpy as np
import pytest

from uad_bench.data.nifti.read import Image, Volume
from uad_bench.errors import DataError, EnvironmentFault
from uad_bench.prepare import skull_strip
from uad_bench.prepare.resampling.reorient import canonical

HD_BET = """#!{python}
import sys
import nibabel as nib
import numpy as np
given = sys.argv[sys.argv.index("-i") + 1]
asked = sys.argv[sys.argv.index("-o") + 1]
if "--save_bet_mask" not in sys.argv or "cpu" not in sys.argv:
    sys.exit("usage")
head = nib.load(given)
brain = np.asarray(head.dataobj) > 50
print("noise on stdout")
if not brain.any():
    sys.exit("RuntimeError: no weights\\n")
nib.save(nib.Nifti1Image(brain.astype(np.uint8), head.affine), asked.replace(".nii.gz", "_bet.nii.gz"))
"""


class FakeDeepbet:
    """Segments everything above 50 as brain and stores its input; axes RAS+, as for the real one."""

    def __init__(self) -> None:
        self.given, self.threads = None, None
        self.bbox_model = skull_strip.CoarseNetwork(self.network)

    def network(self, image):
        import torch

        inside = torch.from_numpy(np.asarray(image))
        return torch.stack([~inside, inside]).float()[None]

    def run_model(self, array: np.ndarray) -> np.ndarray:
        import torch

        self.given, self.threads = array, torch.get_num_threads()
        if array.max() <= 0:
            raise AssertionError("Not enough foreground to calculate bounding box")
        places = [((np.arange(8) + 0.5) * n / 8).astype(int) for n in array.shape]
        self.bbox_model(array[np.ix_(*places)] > 50)
        return (array > 50).astype(np.float32) * 0.9


@pytest.fixture
def deepbet(monkeypatch) -> FakeDeepbet:
    fake = FakeDeepbet()
    monkeypatch.setattr(skull_strip, "_deepbet", lambda: (fake, fake.bbox_model))
    monkeypatch.setattr(skull_strip, "version", lambda name: "9.9")
    return fake


@pytest.fixture
def hd_bet(tmp_path, monkeypatch) -> None:
    command = tmp_path / "hd-bet"
    command.write_text(HD_BET.format(python=sys.executable))
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


def head(axes: str = "RAS") -> Image:
    """A dim head with a bright brain, off the middle along every axis."""
    array = np.zeros((32, 40, 24), np.float32)
    array[4:28, 4:36, 2:22] = 20
    array[8:20, 10:30, 8:20] = 100
    affine = {"RAS": np.diag([1.0, 1, 1, 1]), "LPS": np.diag([-1.0, -1, 1, 1])}
    if axes == "SAR":
        return Volume(np.ascontiguousarray(array.transpose(2, 1, 0)), np.eye(4)[:, [2, 1, 0, 3]])
    return Volume(array, affine[axes])


@pytest.mark.parametrize("axes", ["RAS", "LPS", "SAR"])
def test_deepbet_receives_ras_and_the_mask_has_the_axes_of_the_scan(deepbet, axes):
    image = head(axes)
    found = skull_strip.deepbet_mask(image)
    np.testing.assert_array_equal(deepbet.given, canonical(image).array)
    np.testing.assert_array_equal(found.brain.array, image.array > 50)
    np.testing.assert_array_equal(found.brain.affine, image.affine)
    assert (found.tool, found.agreement) == ("deepbet 9.9", 1.0)


def test_agreement_falls_where_the_two_networks_differ(deepbet, monkeypatch):
    everywhere = skull_strip.CoarseNetwork(lambda image: deepbet.network(np.ones_like(image)))
    monkeypatch.setattr(deepbet, "bbox_model", everywhere)
    monkeypatch.setattr(skull_strip, "_deepbet", lambda: (deepbet, everywhere))
    assert skull_strip.deepbet_mask(head()).agreement < 0.5


def test_deepbet_runs_on_one_thread_and_gives_the_threads_back(deepbet):
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        skull_strip.deepbet_mask(head())
        assert (deepbet.threads, torch.get_num_threads()) == (1, 2)
    finally:
        torch.set_num_threads(before)


def test_nan_and_inf_never_reach_the_network_and_the_image_is_left_alone(deepbet):
    image = head()
    image.array[0, 0, 0], image.array[1, 1, 1] = np.nan, np.inf
    skull_strip.deepbet_mask(image)
    expected = np.nan_to_num(image.array, posinf=0, neginf=0)
    np.testing.assert_array_equal(deepbet.given, expected)
    assert np.isnan(image.array[0, 0, 0])


def test_no_brain_found_names_the_case(deepbet):
    with pytest.raises(DataError, match=r"deepbet 9\.9 found no brain \(case-1\)") as caught:
        skull_strip.extract_brain(Volume(np.zeros((9, 9, 9), np.float32), np.eye(4)), "deepbet", "case-1")
    assert caught.value.code == "UB331"


def test_flip_dice_is_one_for_a_tool_that_does_not_care_and_falls_for_one_that_does(deepbet, monkeypatch):
    image = head("LPS")
    found = skull_strip.extract_brain(image, "deepbet")
    assert skull_strip.flip_dice(image, found, "deepbet") == 1.0
    monkeypatch.setattr(
        deepbet, "run_model", lambda array: (np.indices(array.shape)[0] > 20).astype(np.float32)
    )
    assert skull_strip.flip_dice(image, found, "deepbet") < 0.5


def test_hd_bet_answers_on_the_scans_grid_and_in_silence(hd_bet, capfd):
    for axes in ("RAS", "LPS", "SAR"):
        image = head(axes)
        found = skull_strip.extract_brain(image, "hd-bet", "case-1")
        np.testing.assert_array_equal(found.brain.array, image.array > 50)
        assert (found.tool, found.agreement) == ("hd-bet", None)
    assert capfd.readouterr().out == ""


def test_hd_bet_that_fails_is_one_line_with_its_reason(hd_bet):
    with pytest.raises(
        EnvironmentFault, match=r"hd-bet failed: RuntimeError: no weights \(case-1\)"
    ) as caught:
        skull_strip.extract_brain(Volume(np.zeros((9, 9, 9), np.float32), np.eye(4)), "hd-bet", "case-1")
    assert (caught.value.exit_code, caught.value.code, "\n" in str(caught.value)) == (6, "UB602", False)


def test_auto_uses_deepbet_then_hd_bet_then_explains_the_installation(hd_bet, monkeypatch):
    monkeypatch.setattr(skull_strip, "find_spec", lambda name: object())
    assert skull_strip.available_tool("auto") == "deepbet"
    assert skull_strip.available_tool("hd-bet") == "hd-bet"
    monkeypatch.setattr(skull_strip, "find_spec", lambda name: None)
    assert skull_strip.available_tool("auto") == "hd-bet"
    with pytest.raises(EnvironmentFault, match=r"pip install 'uad-bench\[strip\]'"):
        skull_strip.available_tool("deepbet")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EnvironmentFault, match=r"no skull-stripping tool .*'uad-bench\[strip\]'") as caught:
        skull_strip.available_tool("auto")
    assert (caught.value.exit_code, caught.value.code) == (6, "UB601")
    with pytest.raises(EnvironmentFault, match="hd-bet is not on the PATH"):
        skull_strip.available_tool("hd-bet")


def test_weights_that_another_package_removed_are_named(monkeypatch, tmp_path):
    utils = pytest.importorskip("deepbet.utils")
    monkeypatch.setattr(utils, "DATA_PATH", str(tmp_path))
    skull_strip._deepbet.cache_clear()
    with pytest.raises(EnvironmentFault, match=r"weights are missing .*--force-reinstall deepbet"):
        skull_strip._deepbet()


def test_the_tool_that_is_asked_for_and_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(skull_strip, "find_spec", lambda name: None)
    monkeypatch.setattr(skull_strip.shutil, "which", lambda name: "/bin/hd-bet")
    assert skull_strip.available_tool("auto") == "hd-bet"
    with pytest.raises(EnvironmentFault, match="the skull-stripping tool deepbet is not installed"):
        skull_strip.available_tool("deepbet")
    monkeypatch.setattr(skull_strip.shutil, "which", lambda name: None)
    with pytest.raises(EnvironmentFault, match="no skull-stripping tool is installed"):
        skull_strip.available_tool("auto")
