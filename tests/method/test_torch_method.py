"""Networks are initialised from the seed, scored in eval mode and float32, and saved as safetensors."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from uad_bench import Context, TorchMethod
from uad_bench.errors import PluginError
from uad_bench.testing import toy_scans


@dataclass
class Filter(TorchMethod):
    """One convolution with dropout, whose map is the mean output."""

    width: int = 2

    def build(self):
        convolution = torch.nn.Conv2d(self.channels_, self.width, 3, padding=1)
        return torch.nn.Sequential(convolution, torch.nn.Dropout(0.5))

    def score(self, scan, ctx):
        return self.score_slices(scan, ctx, lambda batch: self.net_(batch.image).mean(dim=1))


@pytest.fixture
def scan():
    return toy_scans(1)[0]


def begun(scan, seed=0, **parameters):
    method = Filter(**parameters)
    method.begin([scan], Context(seed=seed))
    return method


def weights(method):
    return torch.cat([p.detach().flatten() for p in method.net_.parameters()])


def test_begin_sets_grid_and_channels_and_gives_a_network_in_train_mode():
    scan = toy_scans(1, ("t1", "t2"))[0]
    method = begun(scan)
    assert (method.channels_, method.shape_) == (2, scan.shape)
    assert method.net_.training and method.net_[0].in_channels == 2


def test_first_weights_depend_on_the_seed_only(scan):
    first = weights(begun(scan))
    torch.manual_seed(99)
    assert torch.equal(weights(begun(scan)), first)
    assert not torch.equal(weights(begun(scan, seed=1)), first)


def test_scoring_is_in_eval_mode_without_gradients(scan):
    method = begun(scan)
    seen = []

    def score(batch):
        seen.append((method.net_.training, torch.is_grad_enabled()))
        return batch.image[:, 0]

    method.score_slices(scan, Context(), score)
    assert set(seen) == {(False, False)}


def test_a_network_scores_in_full_float32_and_the_setting_is_restored(scan):
    """PyTorch uses TF32 for the convolutions of a GPU by default."""
    method, seen, cudnn = begun(scan), [], torch.backends.cudnn

    def score(batch):
        seen.append(cudnn.allow_tf32)
        return batch.image[:, 0]

    before = cudnn.allow_tf32, cudnn.benchmark, cudnn.enabled
    method.score_slices(scan, Context(), score)
    method.component_slices(scan, Context(), lambda batch: {"a": score(batch)})
    assert set(seen) == {False}
    assert before == (cudnn.allow_tf32, cudnn.benchmark, cudnn.enabled)


def test_components_come_from_one_pass_and_are_those_of_the_network(scan):
    method = begun(scan)
    maps = method.component_slices(scan, Context(), lambda batch: {"all": method.net_(batch.image)})
    assert maps["all"].shape == (2, *scan.shape)
    np.testing.assert_allclose(maps["all"].mean(axis=0), method.score(scan, Context()), atol=1e-6)


@pytest.mark.parametrize("other", [toy_scans(1, shape=(16, 16, 8))[0], toy_scans(1, ("t1", "t2"))[0]])
def test_another_grid_or_number_of_modalities_is_refused(scan, other):
    with pytest.raises(PluginError, match=r"trained for 1 channel\(s\) on \(16, 32, 8\), not"):
        begun(scan).score(other, Context())


def test_save_and_load_keep_the_map_and_the_network_stays(scan, tmp_path):
    method = begun(scan)
    expected = method.score(scan, Context())
    method.save(tmp_path)
    assert torch.equal(load_file(tmp_path / "weights.safetensors")["0.bias"], method.net_[0].bias.detach())
    loaded = Filter()
    loaded.load(tmp_path, Context())
    assert (loaded.channels_, loaded.shape_, loaded.net_.training) == (1, scan.shape, False)
    np.testing.assert_array_equal(loaded.score(scan, Context()), expected)


def test_weights_of_another_network_are_refused(scan, tmp_path):
    begun(scan).save(tmp_path)
    with pytest.raises(PluginError, match="stored weights do not fit Filter with these parameters"):
        Filter(width=3).load(tmp_path, Context())
