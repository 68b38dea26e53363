"""The picture of phantoms."""

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
