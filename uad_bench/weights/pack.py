"""A bundle of the model of a finished run."""

import hashlib
import json
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from uad_bench.config import RunSpec
from uad_bench.errors import PluginError, UadError
from uad_bench.results import csv_tables
from uad_bench.results.find_runs import one_run
from uad_bench.results.readable import readable
from uad_bench.results.run_cases import steps_of
from uad_bench.results.run_directory import RunDir
from uad_bench.support.atomic_files import write_bytes, write_json, write_text
from uad_bench.support.copy_files import copy_file, copy_folder
from uad_bench.weights.bundle import Bundle, aside_of, described, settle
from uad_bench.weights.card import Said, card, page, requirements
from uad_bench.weights.contents import check_content
from uad_bench.weights.manifest import FORMAT, MANIFEST, NUMBERS, Manifest, ModelFacts, check_name
from uad_bench.weights.portable import (
    changed_texts,
    healthy_rows,
    model_identity,
    portable_fit,
    portable_machine,
    portable_spec,
)

log = logging.getLogger(__name__)

UNPORTABLE = "UB415"


def pack(folder: Path, said: Said, store: Path) -> Bundle:
    """Write the bundle of a run's model into a store, as <store>/NAME/DIGEST/; equal models give equal bytes.

    Raises UsageError for a name that no bundle may have (UB205) and for a folder that is not one complete run (UB252),
    IntegrityError for an edited run (UB508), PluginError for a method that is no plug-in or that stores its model in
    files that no bundle holds (UB415).
    """
    if said.name:
        check_name(said.name)
    run = one_run(folder)
    run.verify()
    spec = run.spec()
    _check_portable(run, spec)
    for key, text, name in changed_texts(spec):
        log.info("%s: %s is written as %r, without its folder: %r", run.name, key, name, text)
    with readable(run), aside_of(store, said.name or default_name(spec)) as aside:
        manifest = _filled(aside, run, spec, said)
        write_bytes(aside / MANIFEST, manifest.packed())
        return settle(aside, hashlib.sha256(manifest.packed()).hexdigest())


def default_name(spec: RunSpec) -> str:
    """The name of a bundle that the user gives no name: method, variant and protocol.

    >>> from types import SimpleNamespace
    >>> default_name(SimpleNamespace(method="net:small", protocol=SimpleNamespace(name="uad-2mm")))
    'net-small-uad-2mm'
    """
    return re.sub(r"[^a-z0-9._-]", "-", f"{spec.method}-{spec.protocol.name}")[:128]


def _check_portable(run: RunDir, spec: RunSpec) -> None:
    if spec.target.partition(":")[0].endswith(".py"):
        hint = "make it a plug-in with an entry point, docs/plugins.md"
        what = f"the method {spec.method!r} is a file of this machine, which a bundle cannot name"
        raise PluginError(what, where=run.name, hint=hint, code=UNPORTABLE)
    for path in sorted((run.path / "model").rglob("*")):
        name = path.relative_to(run.path).as_posix()
        if path.is_file() and not NUMBERS["model"].fullmatch(name):
            hint = "save it as .safetensors, .npz or .json: a bundle holds no pickle"
            raise PluginError(f"{spec.method!r} stores {name}", where=run.name, hint=hint, code=UNPORTABLE)
        if path.is_file():
            _check_plain(path, run, spec)


def _check_plain(path: Path, run: RunDir, spec: RunSpec) -> None:
    try:
        check_content(path, run.name)
    except UadError as error:
        hint = "save it without pickle"
        raise PluginError(
            f"{spec.method!r}: {error.what}", where=run.name, hint=hint, code=UNPORTABLE
        ) from error


def _filled(aside: Path, run: RunDir, spec: RunSpec, said: Said) -> Manifest:
    """The manifest of a bundle whose files are written into `aside`."""
    steps = steps_of(run, spec)
    identity = model_identity(spec, steps, run.path / "model.json")
    facts = card(run, spec, said, identity)
    _write_texts(aside, run, spec, facts)
    copy_folder(run.path / "model", aside / "model")
    names = {path.relative_to(aside).as_posix(): path for path in sorted(aside.rglob("*")) if path.is_file()}
    name = said.name or default_name(spec)
    model = _model_facts(portable_spec(spec), requirements(spec, run.environment()), identity)
    return Manifest(format=FORMAT, kind="model", name=name, files=described(names), model=model)


def _write_texts(aside: Path, run: RunDir, spec: RunSpec, facts: Mapping[str, Any]) -> None:
    write_text(aside / "README.md", page(facts))
    write_json(aside / "card.json", facts)
    write_json(aside / "spec.json", portable_spec(spec).model_dump(mode="json"))
    write_json(aside / "env.json", portable_machine(run.environment()))
    write_json(aside / "fitted.json", portable_fit(_fitted(run)))
    rows = healthy_rows(run.table("thresholds.csv"))
    csv_tables.write(aside / "thresholds.csv", csv_tables.THRESHOLD_COLUMNS, rows)
    copy_file(run.path / "model.json", aside / "model.json")


def _fitted(run: RunDir) -> Sequence[Mapping[str, Any]]:
    found: list[dict[str, Any]] = json.loads((run.path / "fitted.json").read_text(encoding="utf-8"))
    return found


def _model_facts(plain: RunSpec, versions: dict[str, str], identity: str) -> ModelFacts:
    return ModelFacts(
        method=plain.method,
        target=plain.target,
        source=plain.source,
        versions=versions,
        seed=plain.seed,
        protocol=plain.protocol.name,
        fingerprint=plain.protocol.fingerprint,
        modalities=plain.protocol.modalities,
        identity=identity,
    )
