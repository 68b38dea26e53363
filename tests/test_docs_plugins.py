"""The code that docs/plugins.md shows runs as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from uad_bench import plugins
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import View
from uad_bench.testing import check_dataset, check_method

PAGE = Path(__file__).parents[1] / "docs" / "plugins.md"


@pytest.fixture
def shown(tmp_path):
    """shown(name) -> the file that the page's code block `# name` makes."""
    blocks = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)

    def written(name):
        path = tmp_path / name
        path.write_text(dict(blocks)[name])
        return str(path)

    return written


def test_the_method_keeps_every_promise(shown):
    assert {result.status for result in check_method(shown("edge.py"))} == {"kept", "not checked"}


def test_the_dataset_keeps_every_promise(shown, write_nifti):
    image = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    write_nifti("data/a_t2.nii.gz", image)
    root = write_nifti("data/b_t2.nii.gz", image).parent
    write_nifti("data/b_lesion.nii.gz", (image > 50).astype(np.uint8))
    assert {result.status for result in check_dataset(shown("mine.py"), root)} == {"kept"}


def test_the_metric_is_a_point_of_the_roc_curve(shown):
    metric = plugins.load(plugins.resolve("metric", shown("sens95.py")))()
    rng = np.random.default_rng(0)
    lesion = rng.random(4000) < 0.1
    scores = (rng.normal(size=4000) + lesion).astype(np.float32)
    fpr, tpr, _ = roc_curve(lesion, scores, drop_intermediate=False)
    expected = tpr[fpr <= 0.05].max()
    assert metric.pooled(View(Curve.of(scores, lesion))).value == pytest.approx(expected)
