import subprocess
import sys
from importlib import import_module
from pathlib import Path

from uad_bench import DatasetAdapter
from uad_datasets import plugin


def test_every_name_has_an_adapter_of_that_name():
    registered = {}
    plugin.register_datasets(lambda name, target, summary: registered.update({name: (target, summary)}))
    names = [
        "atlas_v2",
        "brats21",
        "brats_gli",
        "brats_mets",
        "brats_peds",
        "fcd_bonn",
        "folder",
        "isles22",
        "ixi",
    ]
    names += ["lemon", "mslesseg", "mslub", "openneuro", "phantom", "processed", "qtab", "wmh"]
    assert sorted(registered) == names
    for name, (target, summary) in registered.items():
        module, cls = target.split(":")
        adapter = getattr(import_module(module), cls)
        assert issubclass(adapter, DatasetAdapter)
        assert adapter.name == name
        assert "\n" not in summary


def test_listing_the_names_imports_no_adapter():
    heavy = ["nibabel", "numpy", "scipy", "torch", "uad_datasets.ixi", "uad_datasets.phantom"]
    code = f"import sys, uad_datasets.plugin; print([m for m in {heavy} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_each_dataset_has_an_address_and_a_page():
    registered = []
    plugin.register_datasets(lambda name, target, summary: registered.append((name, target)))
    pages = Path(__file__).parents[2] / "docs" / "datasets"
    for name, target in registered:
        module, cls = target.split(":")
        assert getattr(import_module(module), cls).about
        if name != "phantom":
            assert (pages / f"{name}.md").is_file(), name
