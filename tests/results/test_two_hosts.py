"""Two hosts, as far as one kernel has two: names, networks and process numbers of their own, and one folder."""

import shutil
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

#: For each line of its input a host locks a run until the next line, or prepares the case into a cache.
HOST = """
import sys
from pathlib import Path
from uad_bench.errors import EnvironmentFault
from uad_bench.prepare.cache import prepared_case
from uad_bench.results.run_directory import RunDir
from uad_bench.types import Case
root, STEPS = Path(sys.argv[1]), [{"step": "canonical"}, {"step": "brain_mask"}]
case = Case("toy", "a", "a", {"t2": Path(sys.argv[2])}, healthy=True, stripped=True)
real = prepared_case.run_chain

def counted(*arguments, **named):
    with (root / "prepared").open("a") as file:
        file.write("once\\n")
    return real(*arguments, **named)

prepared_case.run_chain = counted
print("ready", flush=True)
for line in sys.stdin:
    kind, number = line.split()
    if kind == "entry":
        made = prepared_case.prepare_case(case, ["t2"], STEPS, root / f"cache{number}")
        print(made.scan().image.sum(), flush=True)
        continue
    folder = root / f"run{number}"
    folder.mkdir(exist_ok=True)
    try:
        with RunDir(folder).locked():
            print("won", flush=True)
            sys.stdin.readline()
    except EnvironmentFault as error:
        print(error, flush=True)
"""
APART = [
    "unshare",
    "--uts",
    "--net",
    "--pid",
    "--mount-proc",
    "--fork",
    "sh",
    "-c",
    'hostname "$0"; exec "$@"',
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The folder that both hosts see."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def hosts(root):
    """A process on each of two hosts, by the name of the host."""
    if shutil.which("unshare") is None or subprocess.run([*APART, "one", "true"], check=False).returncode:
        pytest.skip("namespaces cannot be made here: unshare is missing, or the user is not root")
    ball = (np.indices((24, 24, 24)) - 12) ** 2
    image = np.where(ball.sum(0) < 81, np.random.default_rng(0).uniform(50, 100, (24, 24, 24)), 0)
    nib.save(nib.Nifti1Image(image.astype(np.float32), np.diag([8.0, 8, 8, 1])), root / "a.nii.gz")
    started = {}
    for name in ("one", "two"):
        command = [*APART, name, sys.executable, "-c", HOST, str(root), str(root / "a.nii.gz")]
        started[name] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
    assert [one.stdout.readline() for one in started.values()] == ["ready\n"] * 2
    yield started
    for one in started.values():
        one.communicate()


def asked(hosts, line):
    """What each host answers to a line that all get at once."""
    for one in hosts.values():
        one.stdin.write(f"{line}\n")
    return {name: one.stdout.readline().strip() for name, one in hosts.items()}


def test_fifty_races_for_a_run_have_one_winner_whom_the_other_one_names(hosts):
    for number in range(50):
        answers = asked(hosts, f"run {number}")
        (won,) = (name for name, answer in answers.items() if answer == "won")
        (other,) = (answer for answer in answers.values() if answer != "won")
        assert "the run is in use by process " in other and f" on {won} for " in other, other
        hosts[won].stdin.write("release\n")


def test_fifty_races_for_an_entry_of_the_cache_prepare_it_once(hosts, root):
    for number in range(50):
        assert len(set(asked(hosts, f"entry {number}").values())) == 1
    assert (root / "prepared").read_text().splitlines() == ["once"] * 50
