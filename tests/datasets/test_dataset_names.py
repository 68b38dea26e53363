import subprocess
import sys
from importlib import import_module

from uad_bench import DatasetAdapter
from uad_datasets import plugin


def test_every_name_leads_to_an_adapter_of_that_name():
    told = {}
    plugin.register_datasets(lambda name, target, summary: told.update({name: (target, summary)}))
    assert sorted(told) == ["brats21", "ixi", "mslub", "phantom"]
    for name, (target, summary) in told.items():
        module, cls = target.split(":")
        adapter = getattr(import_module(module), cls)
        assert issubclass(adapter, DatasetAdapter)
        assert adapter.name == name
        assert "\n" not in summary


def test_naming_them_imports_none_of_them():
    heavy = ["nibabel", "numpy", "scipy", "torch", "uad_datasets.ixi", "uad_datasets.phantom"]
    code = f"import sys, uad_datasets.plugin; print([m for m in {heavy} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
