"""Bundles on Hugging Face, against a server of our own; without network only what was downloaded before."""

import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.helpers.bundles import tree
from tests.helpers.fake_hub import serving
from uad_bench.errors import DataError, EnvironmentFault, UsageError
from uad_bench.weights.sources import hub, hub_errors

installed = pytest.mark.skipif(
    importlib.util.find_spec("huggingface_hub") is None,
    reason="huggingface_hub is not installed: pip install 'uad-bench[hub]'",
)
#: Several verbs in one process, with their exit codes; huggingface_hub reads the environment when it is imported.
SEVERAL = """
import json, sys
from uad_bench import cli
for words in json.loads(sys.argv[1]):
    sys.argv = ["uad-bench", *words]
    print("#", *words)
    try:
        cli.main()
    except SystemExit as left:
        print("exit", left.code)
    sys.stdout.flush()
"""


@pytest.fixture
def verbs(tmp_path):
    """verbs(address, [words, ...], **environment) -> stdout and stderr together."""

    def carry_out(address, *lines, **more):
        here = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": "hf_none",
                "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
                "UAD_BENCH_WEIGHTS": str(tmp_path / "store"), **more}  # fmt: skip
        words = [sys.executable, "-c", SEVERAL, json.dumps([[str(w) for w in line] for line in lines])]
        done = subprocess.run(words, env=here, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    return carry_out


def held(bundle, flip=False):
    """The files of a bundle as a repository holds them; flip: with a changed bit in the weights."""
    prefix = f"tiny/{bundle.digest}"
    files = {f"{prefix}/{name}": data for name, data in tree(bundle.folder).items() if data is not None}
    if flip:
        weights = f"{prefix}/model/weights.safetensors"
        files[weights] = files[weights][:-1] + bytes([files[weights][-1] ^ 1])
    return files


@installed
def test_push_list_and_pull_through_a_hub_and_again_without_network(verbs, bundle, tmp_path):
    full, place, copy = (
        f"tiny@{bundle.digest}",
        "hf://lab/models",
        tmp_path / "store" / "tiny" / bundle.digest,
    )
    with serving() as (server, address):
        server.repositories["lab/forged"] = held(bundle, flip=True)
        server.closed.add("lab/closed")
        out = verbs(
            address,
            ("weights", "pull", full, "--from", "hf://lab/forged"),
            ("weights", "push", bundle.folder, "--to", place),
            ("weights", "push", bundle.folder, "--to", place),
            ("weights", "list", "--from", place),
            ("weights", "pull", bundle.label, "--from", place),
            ("weights", "pull", "tiny@00000000", "--from", place),
            ("weights", "pull", "tiny@00000000", "--from", "hf://lab/nothing"),
            ("weights", "push", bundle.folder, "--to", "hf://lab/closed"),
        )
        assert re.findall(r"exit (\d)", out) == list("50000333"), out
    assert "weights.safetensors was changed" in out and out.count("error[UB345]") == 3
    assert "the server refuses access" in out and out.count("hf auth login") == 2 and "try again" not in out
    assert server.private == {"lab/models"} and "was there already: hf://lab/models" in out
    assert server.repositories["lab/models"] == held(bundle) | {
        "README.md": (bundle.folder / "README.md").read_bytes()
    }
    assert tree(copy) == tree(bundle.folder)
    shutil.rmtree(tmp_path / "store")
    out = verbs(  # nothing listens at the address now
        address,
        ("weights", "pull", bundle.label, "--from", place),
        ("weights", "push", bundle.folder, "--to", place),
        ("weights", "pull", full, "--from", place),
        HF_HUB_OFFLINE="1",
    )
    assert re.findall(r"exit (\d)", out) == list("660") and out.count("error[UB611]") == 2, out
    assert tree(copy) == tree(bundle.folder)


def http_client():
    """The HTTP library of the installed huggingface_hub: its name depends on the version."""
    from huggingface_hub import errors

    return importlib.import_module(errors.HfHubHTTPError.__bases__[0].__module__.partition(".")[0])


@installed
def test_a_transport_error_is_one_of_the_machine_and_a_programming_error_passes():
    for error in (http_client().ConnectError("gone"), ConnectionResetError("gone"), RuntimeError("gone")):
        with (
            pytest.raises(EnvironmentFault, match=r"gone.*try again later") as caught,
            hub_errors("lab/models"),
        ):
            raise error
        assert caught.value.code == "UB611"
    with pytest.raises(TypeError, match="mine"), hub_errors("lab/models"):
        raise TypeError("mine")


@installed
@pytest.mark.parametrize(
    ("status", "fault", "hint"), [(403, DataError, "log in"), (500, EnvironmentFault, "later")]
)
def test_an_upload_that_failed_is_told_with_its_cause(status, fault, hint):
    """huggingface_hub raises RuntimeError for a large file that the server does not take."""
    from huggingface_hub import errors

    client = http_client()
    answer = client.Response(status, request=client.Request("PUT", "https://example.org/x"))
    with pytest.raises(fault, match=f"Error while uploading 'x'.*said why.*{hint}"), hub_errors("lab/models"):
        raise RuntimeError("Error while uploading 'x'") from errors.HfHubHTTPError(
            "said why", response=answer
        )


def test_without_the_extra_the_line_says_what_to_install(verb, bundle, tmp_path, monkeypatch):
    for name in ("huggingface_hub", "huggingface_hub.utils"):
        monkeypatch.setitem(sys.modules, name, None)
    code, _, err = verb("weights", "push", bundle.folder, "--to", "hf://lab/models")
    assert code == 6 and "error[UB610]" in err and "pip install 'uad-bench[hub]'" in err
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("address", ["hf://models", "hf://a/b/c", "hf://a/b@", "hf://../x", "hf:///x"])
def test_an_address_of_another_form_is_refused(address):
    with pytest.raises(UsageError, match="hf://ORG/NAME"):
        hub(address)
