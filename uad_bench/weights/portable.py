"""What a run says of its model, without paths of this machine and without ids of scans."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

from uad_bench.config import MAPS_ONLY, RunSpec, digest
from uad_bench.results.run_cases import steps_of
from uad_bench.results.run_directory import RunDir
from uad_bench.support.atomic_files import sha256

#: Parts of env.json that a model needs or that explain its last bits; no folder, no name of a machine.
OF_MACHINE = ("python", "device", "device_name", "threads", "bf16", "packages", "code", "method")
HEALTHY_RULE = re.compile(r"healthy_q(\d\d)")
#: Neither changes a map; the options of datasets are folders and tables of the user.
NOT_OF_THE_MODEL = {"test", "datasets", "keep_maps", "map_bits"}
#: Suffixes by which a relative path is distinguished from other names with a slash and a dot, such as org/net-v2.5.
FILE_SUFFIX = re.compile(
    r"\.(py(:\w+)?|pth?|ckpt|bin|safetensors|onnx|h5|hdf5|np[yz]|mat|pkl|pickle|joblib|json|ya?ml|toml|csv|tsv|txt|xlsx?"
    r"|nii|mg[hz]|mha|nrrd|dcm|tar|zip|gz)$",
    re.IGNORECASE,
)
ATLAS_SUFFIX = re.compile(r"\.nii(\.gz)?$")


def portable_spec(spec: RunSpec) -> RunSpec:
    """The specification with file names in the place of paths, and without options of datasets.

    A user's atlas is named as in $UAD_BENCH_ATLASES; its digest stays.
    """
    values = spec.model_dump(mode="json")
    protocol = values["protocol"]
    prepare = [_portable_step(step) for step in protocol["prepare"]]
    without = {key: value for key, value in protocol.items() if key not in {"prepare", "summary"}}
    values["protocol"] = _without_paths(without) | {"prepare": prepare, "summary": protocol["summary"]}
    for key in ("parameters", "test"):
        values[key] = _without_paths(values[key])
    return RunSpec.model_validate(values | {"datasets": {}})


def changed_texts(spec: RunSpec) -> list[tuple[str, str, str]]:
    """What `portable_spec` shortens, options of datasets apart: the key, the text and what it becomes."""
    values, plain = (one.model_dump(mode="json", exclude={"datasets"}) for one in (spec, portable_spec(spec)))
    return list(_differences(values, plain, ""))


def _differences(one: Any, other: Any, key: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(one, Mapping):
        for name, inner in one.items():
            new = name if name in other else _file_name(name)
            if name != new:
                yield key, name, new
            yield from _differences(inner, other[new], f"{key}.{new}".lstrip("."))
    elif isinstance(one, list):
        for number, (inner, shortened) in enumerate(zip(one, other, strict=True)):
            yield from _differences(inner, shortened, f"{key}.{number}")
    elif one != other:
        yield key, str(one), str(other)


def _portable_step(step: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = _without_paths(dict(step))
    if found.get("sha256") and found.get("atlas") != step.get("atlas"):
        found["atlas"] = ATLAS_SUFFIX.sub("", found["atlas"])
    return found


def _without_paths(value: Any) -> Any:  # any JSON value
    """
    >>> _without_paths({"weights": "/home/me/net.pth", "rate": [1, "cosine/linear"], "x": "data/mine.py:Mine"})
    {'weights': 'net.pth', 'rate': [1, 'cosine/linear'], 'x': 'mine.py:Mine'}
    >>> _without_paths(["org/net-v2.5", "../net-v2.5", "weights/net.pth"])
    ['org/net-v2.5', 'net-v2.5', 'net.pth']
    """
    if isinstance(value, str):
        return _file_name(value)
    if isinstance(value, Mapping):
        return {_file_name(str(key)): _without_paths(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(one) for one in value]
    return value


def _file_name(text: str) -> str:
    """The name of the file where a text is a path: absolute, with a drive, beginning with ~, ./ or ../, or relative
    with a suffix of files. Whether the file exists does not count: a model has the same digest on every machine."""
    windows = PureWindowsPath(text)
    if windows.drive and windows.name:
        return windows.name
    path = PurePath(text)
    relative = len(path.parts) > 1 and FILE_SUFFIX.search(path.name)
    is_path = path.is_absolute() or text.startswith(("~", "./", "../")) or relative
    return path.name if is_path and path.name else text


def portable_fit(fitted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """fitted.json with the number of the training scans in the place of their ids."""
    return [
        {"step": one["step"], "parameters": one["parameters"], "n_scans": len(one["saw"]), "saw": []}
        for one in fitted
    ]


def portable_machine(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of env.json that travel with a model."""
    return {key: environment[key] for key in OF_MACHINE if key in environment}


def healthy_rows(rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The healthy quantiles among rows of thresholds.csv, each rule once: no label of a test case has touched them."""
    first: dict[str, Mapping[str, str]] = {}
    for row in rows:
        if HEALTHY_RULE.fullmatch(row["rule"]) and row["value"]:
            first.setdefault(row["rule"], row)
    return list(first.values())


def identity_of(run: RunDir, spec: RunSpec) -> str:
    """The identity of a run's model, "" for a run that holds maps of another program and no model."""
    model = run.path / "model.json"
    return "" if spec.target == MAPS_ONLY else model_identity(spec, steps_of(run, spec), model)


def model_identity(spec: RunSpec, steps: Sequence[Mapping[str, Any]], model_json: Path) -> str:
    """12 hex digits of what makes a model: specification, learnt preparation and the files of the model.

    A run and its bundle have the same.
    """
    values = portable_spec(spec).model_dump(mode="json", exclude=NOT_OF_THE_MODEL)
    for later, value in {"version": 1, "modalities": []}.items():
        if values[later] == value:  # added later: models without them keep their digest
            del values[later]
    learnt = [_portable_step(step) for step in steps]
    return digest([values, learnt, sha256(model_json) if model_json.is_file() else ""])
