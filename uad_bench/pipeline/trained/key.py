"""What makes a trained model: equal keys, equal models, bit by bit on a CPU."""

import hashlib
import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from uad_bench.config import digest
from uad_bench.errors import UadError
from uad_bench.results.run_directory import RunDir

#: Parts of the specification, of its protocol and of the machine that training depends on.
OF_SPEC = {"target", "parameters", "seed", "precision"}
OF_PROTOCOL = {"modalities", "grid", "prepare"}
OF_MACHINE = ("device", "device_name", "threads", "bf16", "code")
PACKAGES = ("torch", "numpy", "scipy", "uad-bench")
#: Facts of the machine that may change between two parts of a training; another device or thread count is refused.
WORDS = {"code": "code", "processor": "device_name", "bf16 arithmetic": "bf16"}
ROLES = ("train", "val")


def model_key(run: RunDir) -> str:
    """12 hex digits of all that made the model of a run, from its files: method, parameters, seed, code, machine,
    protocol, training and validation cases with their voxels, and what the preparation learnt.

    "" where that is not recorded, as in runs of older versions, where the time of training was limited, and where a
    training was continued with other code or on another machine.
    """
    try:
        spec, machine = run.spec(), run.environment()
        cases = [(r["role"], r["dataset"], r["case_id"], r["content"]) for r in run.table("splits.csv")]
        fitted = (run.path / "fitted.json").read_text()
    except (UadError, OSError, ValueError, KeyError):
        return ""
    if spec.time_budget_s is not None or not machine.get("code") or machine.get("continued_with"):
        return ""
    values: dict[str, Any] = {
        "spec": spec.model_dump(mode="json", include=OF_SPEC),
        "modalities": list(spec.modalities or spec.protocol.modalities),
        "protocol": spec.protocol.model_dump(mode="json", include=OF_PROTOCOL),
        "machine": {name: machine.get(name) for name in OF_MACHINE},
        "packages": {name: machine.get("packages", {}).get(name) for name in PACKAGES},
        "cases": [list(one) for one in cases if one[0] in ROLES],
        "fitted": hashlib.sha256(fitted.encode()).hexdigest(),
    }
    return digest(values)


def differences(began: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What the bits of a model depend on and two records of a machine do not have in common, in words."""
    then, here = began.get("packages", {}), now["packages"]
    facts = [word for word, name in WORDS.items() if began.get(name) != now[name]]
    return facts + [name for name in PACKAGES if then.get(name) != here.get(name)]


@lru_cache(maxsize=32)
def code_digest(target: str) -> str:
    """12 hex digits of the code of a method ("module:Class" or "file.py:Class") and of uad-bench; "" where it has none.

    Of a method in a package, every file of the top-level package counts; of a method in a file, that file.
    """
    name = target.partition(":")[0]
    roots = [Path(name)] if name.endswith(".py") else _package(name.partition(".")[0])
    files = [file for root in [*_package("uad_bench"), *roots] for file in _files(root)]
    if not roots or not files:
        return ""
    return digest([[file.name, hashlib.sha256(file.read_bytes()).hexdigest()] for file in files])


def _package(name: str) -> list[Path]:
    """The folder or the file of a top-level package."""
    found = importlib.util.find_spec(name)
    if found is None or not found.origin:
        return []
    path = Path(found.origin)
    return [path.parent if path.name == "__init__.py" else path]


def _files(root: Path) -> list[Path]:
    return sorted(root.rglob("*.py")) if root.is_dir() else [root]
