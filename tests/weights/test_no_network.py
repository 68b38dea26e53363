"""push, pull and predict need no network: in a network namespace where the kernel allows it, and no socket connects."""

import os
import subprocess
import sys
from shutil import which

from tests.weights.test_bundles import a_test_scan, raw_maps

VERBS = """
import socket, sys
from uad_bench import cli

def refused(*words, **more):
    raise OSError("no network in this test")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refused
for words in [line.split() for line in sys.stdin.read().splitlines()]:
    sys.argv = ["uad-bench", *words]
    try:
        cli.main()
    except SystemExit as left:
        if left.code:
            raise
"""


def without_network():
    """What starts a command in an empty network namespace, [] where that is not allowed."""
    words = ["unshare", "--map-root-user", "--net"]
    return words if which("unshare") and not subprocess.run([*words, "true"], check=False).returncode else []


def test_push_pull_and_predict_without_network(run, toy_root, toy_cache, tmp_path):
    from uad_bench.weights.card import Said
    from uad_bench.weights.pack import pack

    name = pack(run.path, Said(), tmp_path / "first")
    case_id = a_test_scan(run)
    scan, mask = (toy_root / f"{case_id}_{word}.nii.gz" for word in ("t2", "brain"))
    lines = (
        f"weights push {run.path} --to shelf",
        f"weights pull {name.label} --from shelf",
        f"weights verify {name.label}",
        f"predict {name.label} {scan} --brain-mask {mask} --prepared-grid --no-sheet --workers 1 --to out",
    )
    here = {**os.environ, "UAD_BENCH_CACHE": str(toy_cache), "UAD_BENCH_WEIGHTS": str(tmp_path / "store")}
    words = [*without_network(), sys.executable, "-c", VERBS]
    done = subprocess.run(
        words, input="\n".join(lines), env=here, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (raw,) = raw_maps(tmp_path / "out")
    assert raw.tobytes() == run.read_map("toy_data", case_id).tobytes()
