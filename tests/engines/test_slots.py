"""Slots of this machine, and the words of the commands in them."""

import pytest

from tests.helpers.command import call
from uad_bench.engines.command_words import for_shell, with_options, without
from uad_bench.engines.slots import parse_slots
from uad_bench.errors import UsageError


@pytest.fixture(autouse=True)
def visible(monkeypatch):
    """visible(text): the GPUs that are allotted to this process; at first it does not say."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return lambda text: monkeypatch.setenv("CUDA_VISIBLE_DEVICES", text)


def cards(on):
    return [slot.variables["CUDA_VISIBLE_DEVICES"] for slot in parse_slots(on)]


def test_slots_by_number_or_by_gpu():
    slots = parse_slots("local:2", threads=3)
    assert [(slot.threads, dict(slot.variables)) for slot in slots] == [(3, {})] * 2
    gpus = parse_slots("gpus:0,3")
    assert [(slot.name, slot.device) for slot in gpus] == [("GPU 0", "cuda"), ("GPU 3", "cuda")]
    assert cards("gpus:0,3") == ["0", "3"]


@pytest.mark.parametrize(
    "text", ["", "local", "local:0", "local:x", "gpus:", "gpus:a", "gpus:0,0", "gpus:1,01", "moon:1"]
)
def test_other_forms_are_usage_errors(text):
    with pytest.raises(UsageError, match="local:2"):
        parse_slots(text)


@pytest.mark.parametrize(
    ("shown", "on", "expected"),
    [
        ("2,3", "gpus:0,1", ["2", "3"]),
        ("2, 3", "gpus:1", ["3"]),
        ("GPU-8a,MIG-7b", "gpus:1,0", ["MIG-7b", "GPU-8a"]),
        ("5,-1,6", "gpus:0", ["5"]),
    ],
)
def test_gpus_are_counted_among_those_that_are_allotted_to_this_process(visible, shown, on, expected):
    visible(shown)
    assert cards(on) == expected


@pytest.mark.parametrize(
    ("shown", "on", "told"),
    [
        ("2,3", "gpus:0,2", "no GPU 2 for --on gpus:0,2: CUDA_VISIBLE_DEVICES=2,3 shows 2 GPUs, 0 to 1"),
        ("", "gpus:0", "shows 0 GPUs"),
        ("NoDevFiles", "gpus:0", "shows 0 GPUs"),
        ("5,-1,6", "gpus:1", "shows 1 GPUs"),
        ("4,4", "gpus:0,1", "names a GPU twice"),
    ],
)
def test_gpus_that_are_not_allotted_are_refused(visible, shown, on, told):
    visible(shown)
    with pytest.raises(UsageError) as caught:
        parse_slots(on)
    assert told in str(caught.value)


@pytest.mark.parametrize("device", ["cpu", "cuda:1"])
def test_a_device_that_slots_of_gpus_would_replace_is_refused(device):
    with pytest.raises(UsageError, match="exclude each other"):
        parse_slots("gpus:0", device=device)
    assert {slot.device for slot in parse_slots("local:2", device=device)} == {""}
    assert [slot.device for slot in parse_slots("gpus:0", device="cuda")] == ["cuda"]


def test_the_device_of_the_command_line_is_looked_at(words, monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, *words("thresh"), "--device", "cpu", "--on", "gpus:0")
    assert (code, "--on gpus:0 and --device cpu exclude each other" in err) == (2, True)


def test_the_engine_is_no_part_of_the_command_of_a_job():
    words = ["run", "ae", "--on", "slurm:a.yaml", "--seeds", "2"]
    assert without(words, valued=["--on"]) == ["run", "ae", "--seeds", "2"]
    assert without(["run", "--on=slurm", "ae"], valued=["--on"]) == ["run", "ae"]
    assert without(["run", "--on", "slurm", "--", "--on"], valued=["--on"]) == ["run", "--", "--on"]


def test_options_stand_in_front_of_a_literal_double_dash():
    assert with_options(["run", "--", "ae"], ["--only", "0"]) == ["run", "--only", "0", "--", "ae"]
    assert with_options(["run", "ae"], ["--only", "0"]) == ["run", "ae", "--only", "0"]


def test_methods_behind_a_double_dash_are_run_in_slots(words, tmp_path, monkeypatch, capsys):
    verb, name, *options = words("random")
    code, _, err = call(monkeypatch, capsys, verb, *options, "--on", "local:2", "--", name)
    assert code == 0, err
    assert {path.parents[1].name for path in tmp_path.rglob("metrics.csv")} == {"random"}


def test_a_command_can_be_copied_into_a_shell():
    words = ["run", "ae", "--set", "protocol.modalities=[t1, t2]", "--data", "ixi=/my scans"]
    assert for_shell(words) == "uad-bench run ae --set 'protocol.modalities=[t1, t2]' --data 'ixi=/my scans'"
