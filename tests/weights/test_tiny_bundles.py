"""The script that makes a tiny bundle of each method."""

import importlib.machinery
import importlib.util
from pathlib import Path

import pytest

from uad_bench import plugins
from uad_bench.pipeline.predict.model import open_model

SCRIPT = Path(__file__).parents[2] / "scripts" / "bundles"
METHODS = [entry.name for entry in plugins.catalogue().names("method") if entry.source == "uad-bench"]


@pytest.fixture(scope="module")
def script():
    loader = importlib.machinery.SourceFileLoader("bundles_script", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_bundle_that_can_be_loaded(script, tmp_path, method):
    bundle = script.tiny_bundle(method, tmp_path)
    bundle.verify()
    model = open_model(bundle.folder)
    assert model.method is not None and model.spec.method.partition(":")[0] == method
