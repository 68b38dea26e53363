"""The picture of phantoms."""

from dataclasses import replace

from matplotlib.image import imread

from uad_datasets.phantom.montage import planes, save_montage


def test_planes_cut_the_lesion(phantoms):
    phantom = phantoms["tumour"][0]
    x, y, z = planes(phantom)
    assert (
        phantom.lesion_mask[x].any()
        and phantom.lesion_mask[:, y].any()
        and phantom.lesion_mask[:, :, z].any()
    )


def test_montage_outlines_lesions_in_red(phantoms, tmp_path):
    for kind, outlined in (("", False), ("iso", True)):
        save_montage([("one", phantoms[kind][0])], tmp_path / "montage.png")
        pixels = imread(tmp_path / "montage.png")
        assert ((pixels[..., 0] > 0.9) & (pixels[..., 1] < 0.1)).any() == outlined


def test_planes_of_a_healthy_phantom_are_those_of_its_own_grid(phantoms):
    one = phantoms[""][0]
    fine = replace(one, lesion_mask=one.lesion_mask.repeat(2, 0).repeat(2, 1).repeat(2, 2))
    assert planes(fine) == (78, 96, 84)
