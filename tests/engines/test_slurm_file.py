"""FILE.yaml of `--on slurm:FILE.yaml`, and what jobs get by it."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from uad_bench.engines import slurm_file
from uad_bench.engines.slurm import _groups
from uad_bench.errors import UsageError
from uad_bench.types import Resources

FILE = """
partition: gpu
cpus: 8
sbatch: {constraint: a100}
methods:
  thresh: {partition: cpu, gpu: false, hours: 0.5}
  ae:conv: {hours: 30, memory_gib: 40, sbatch: {exclude: node7}}
prepare: {jobs: 6, partition: cpu}
setup: [module load cuda]
"""


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "file.yaml").write_text(FILE)
    return slurm_file.read(f"slurm:{tmp_path / 'file.yaml'}")


def parameters(settings, label, threads=0):
    run = slurm_file.planned(label, 0, Resources(), settings, threads)
    return slurm_file.sbatch_parameters(slurm_file.share_of_run(label, settings), run, settings, "/here")


def test_a_run_gets_what_its_method_declares_unless_the_file_says_otherwise(settings):
    ae = parameters(settings, "ae")
    assert (ae["partition"], ae["gpus_per_node"], ae["time"], ae["mem"]) == ("gpu", 1, 720, "16384M")
    conv = parameters(settings, "ae:conv")
    assert (conv["time"], conv["mem"]) == (1800, "40960M")
    assert conv["additional_parameters"] == {
        "chdir": "/here", "requeue": True, "constraint": "a100", "exclude": "node7"
    }  # fmt: skip
    thresh = parameters(settings, "thresh")
    assert (thresh["partition"], thresh["time"], "gpus_per_node" in thresh) == ("cpu", 30, False)
    assert thresh["setup"] == ["module load cuda"]


def test_threads_of_the_command_are_not_those_of_the_job(settings):
    run = slurm_file.planned("ae", 0, Resources(), settings, threads=2)
    assert (run.threads, run.cpus) == (2, 8)
    run = slurm_file.planned("ae", 0, Resources(), settings, threads=16)
    assert (run.threads, run.cpus) == (16, 16)


def test_no_job_gets_a_gpu_on_a_cpu(settings):
    assert not slurm_file.planned("ae:conv", 0, Resources(), settings.without_gpu(), 0).gpu


def test_runs_that_need_the_same_share_an_array_and_long_ones_are_first(settings):
    runs = [
        slurm_file.planned(name, 0, Resources(), settings, 0) for name in ("thresh", "ae", "ae:conv", "vae")
    ]
    assert _groups(list(enumerate(runs)), settings) == [[2], [1, 3], [0]]


def test_without_a_file_the_defaults_hold():
    assert slurm_file.read("slurm").requeues == 20
    assert slurm_file.minutes(1 / 60) == 1
    assert slurm_file.minutes(0.501) == 31


@pytest.mark.parametrize(
    "text",
    [
        "cpu: 3",
        "cpus: 0",
        "methods: [ae]",
        "hours: nan",
        "prepare: {jobs: 0}",
        "gpu: 2.5",
        "prepare: {gpu: true}",
        "board: {gres: gpu:1}",
    ],
)
def test_other_keys_and_values_are_usage_errors(tmp_path, text):
    (tmp_path / "file.yaml").write_text(text)
    with pytest.raises(UsageError):
        slurm_file.read(f"slurm:{tmp_path / 'file.yaml'}")


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("thersh", "unknown method in a.yaml 'thersh'"),
        ("ae:cnov", "variant of ae"),
        ("blurr", "did you mean blur"),
    ],
)
def test_a_name_of_no_method_is_refused(key, told):
    specs = [SimpleNamespace(method=name) for name in ("thresh", "blur")]
    settings = slurm_file.SlurmFile(methods={key: slurm_file.Share()})
    with pytest.raises(UsageError) as caught:
        slurm_file.require_known_methods(settings, specs, "a.yaml")
    assert told in f"{caught.value} {caught.value.hint}"


def test_names_of_methods_with_variants_and_from_files_are_accepted():
    specs = [SimpleNamespace(method=name) for name in ("thresh", "blur")]
    names = ("thresh", "blur", "vae", "patch2loc:conv")
    settings = slurm_file.SlurmFile(methods={name: slurm_file.Share() for name in names})
    slurm_file.require_known_methods(settings, specs, "a.yaml")
    one_more = slurm_file.SlurmFile(methods={**settings.methods, "nobody": slurm_file.Share()})
    with pytest.raises(UsageError, match="nobody"):
        slurm_file.require_known_methods(one_more, specs, "a.yaml")


def test_the_page_states_the_defaults_of_the_file():
    page = (Path(__file__).parents[2] / "docs/clusters.md").read_text()
    file = slurm_file.read("slurm")
    assert f"preparation is {file.prepare.jobs} jobs" in page
    for name in ("signal_seconds", "requeues", "at_once"):
        assert re.search(rf"`{name}` (is )?{getattr(file, name)}\b", page), name
