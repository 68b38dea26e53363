"""The manifest of a bundle: what the bundle is, and size and SHA-256 of its files.

<store>/NAME/<SHA-256 of manifest.json>/manifest.json ... So the name of the folder fixes every byte in it. Nothing of a
bundle is parsed before its digest was compared, and nothing that the manifest does not list is read.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, NoReturn

from pydantic import Field

from uad_bench.config import Strict, validated
from uad_bench.errors import EnvironmentFault, IntegrityError, UsageError
from uad_bench.support.atomic_files import NO_FOLLOW, json_bytes

FORMAT = 1
MANIFEST = "manifest.json"
DIGEST = re.compile(r"[0-9a-f]{64}")
NAME = r"[a-z0-9][a-z0-9._-]{0,127}"
#: The most bytes of a manifest, and of a file of a bundle; the most files.
MANIFEST_BYTES, FILE_BYTES, FILES = 1_000_000, 50_000_000_000, 1_000
#: Files beside the model or the weights, by the kind of a bundle.
TEXTS = {
    "model": frozenset(
        ("README.md", "card.json", "env.json", "fitted.json", "model.json", "spec.json", "thresholds.csv")
    ),
    "pretrained": frozenset(("README.md",)),
}
#: Files that hold numbers: formats that are read without executing anything.
NUMBERS = {
    "model": re.compile(r"model(/\w[\w.-]{0,99}){1,3}\.(safetensors|npz|json)", re.ASCII),
    "pretrained": re.compile(r"weights\.safetensors"),
}
CHANGED, OUTSIDE, FORBIDDEN = "UB510", "UB501", "UB511"
HINT = "remove it, and pull or copy it again"

Digest = Annotated[str, Field(pattern=rf"^{DIGEST.pattern}$")]


class BundleFile(Strict):
    """A file of a bundle."""

    sha256: Digest
    size: int = Field(ge=0, le=FILE_BYTES)


class ModelFacts(Strict):
    """What a model is. source: the distribution of its method; versions: those that trained it, by distribution;
    identity: the digest of the model in tables and in the JSON files of predictions."""

    method: str
    target: str
    source: str
    versions: dict[str, str]
    seed: int
    protocol: str
    fingerprint: str
    modalities: tuple[str, ...]
    identity: str


class PretrainedFacts(Strict):
    """The file that pretrained weights were imported from, and the terms of its use as the user gave them."""

    file: str
    sha256: Digest
    terms: str = ""


def check_name(name: str) -> None:
    """Raise UsageError for a name that no bundle may have (UB205)."""
    if not re.fullmatch(NAME, name):
        raise UsageError(f"{name!r:.80} is no name for weights", hint=f"it must match {NAME}", code="UB205")


class Manifest(Strict):
    """What manifest.json holds. files: by path relative to the bundle."""

    format: int
    kind: Literal["model", "pretrained"]
    name: str = Field(pattern=rf"^{NAME}$")
    files: dict[str, BundleFile] = Field(min_length=1, max_length=FILES)
    model: ModelFacts | None = None
    pretrained: PretrainedFacts | None = None

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(one.size for one in self.files.values())

    def packed(self) -> bytes:
        """The bytes of manifest.json."""
        return json_bytes(self.model_dump(mode="json"))


def read_manifest(data: bytes, digest: str, where: str) -> Manifest:
    """The manifest in the bytes of manifest.json, whose SHA-256 must be `digest`.

    Raises IntegrityError for other bytes (UB510), a name that leads out of the bundle (UB501) and a kind of file that
    no bundle holds (UB511); EnvironmentFault for the format of a newer version (UB612).
    """
    if hashlib.sha256(data).hexdigest() != digest:
        changed(f"{MANIFEST} does not have the digest that the bundle is named by", where)
    values = strict_json(data, f"{where}, {MANIFEST}")
    _check_format(values, where)
    try:
        manifest = validated(Manifest, values, MANIFEST)
    except UsageError as error:
        changed(f"{MANIFEST} is none: {error}", where, error)
    if getattr(manifest, manifest.kind) is None:
        changed(f"{MANIFEST} names no facts of the {manifest.kind}", where)
    if manifest.model and manifest.pretrained:
        changed(f"{MANIFEST} names facts of a model and of pretrained weights", where)
    _check_names(manifest, where)
    return manifest


def _check_format(values: Any, where: str) -> None:
    found = values.get("format") if isinstance(values, dict) else None
    if isinstance(found, int) and not isinstance(found, bool) and found > FORMAT:
        what = f"the bundle has format {found}, this version reads format {FORMAT}"
        raise EnvironmentFault(what, where=where, hint="upgrade uad-bench", code="UB612")
    if found != FORMAT or isinstance(found, bool):
        changed(f"{MANIFEST} names no format of a bundle: {found!r:.40}", where)


def _check_names(manifest: Manifest, where: str) -> None:
    """Names of files: below the bundle, of a known kind, different on every file system, and all that are needed."""
    names, texts = list(manifest.files), TEXTS[manifest.kind]
    for name in names:
        parts = PurePosixPath(name).parts
        if name.startswith("/") or "\\" in name or "\0" in name or ".." in parts:
            what = f"{MANIFEST} names a file outside the bundle: {name!r:.100}"
            raise IntegrityError(what, where=where, hint="do not use this bundle", code=OUTSIDE)
        if name not in texts and not NUMBERS[manifest.kind].fullmatch(name):
            what = f"{MANIFEST} names a file that no bundle holds: {name!r:.100}"
            hint = "weights are .safetensors, .npz or .json; pickles are never read"
            raise IntegrityError(what, where=where, hint=hint, code=FORBIDDEN)
    if len({name.lower() for name in names}) != len(names):
        changed(f"{MANIFEST} names files that differ in upper and lower case only", where)
    missing = sorted(texts - set(names)) + ([] if set(names) - texts else ["weights"])
    if missing:
        changed(f"{MANIFEST} names no {missing[0]}", where)


def strict_json(data: bytes, where: str) -> Any:
    """A JSON value without NaN and without repeated keys. Raises IntegrityError (UB510)."""
    try:
        return json.loads(data, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        changed(f"not readable as JSON: {error}", where, error)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _once(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def small_file(path: Path, most: int, where: str) -> bytes:
    """The bytes of a regular file that is no link. Raises IntegrityError (UB510)."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | NO_FOLLOW), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > most:
                changed(f"{path.name} is no file of at most {most} bytes", where)
            return file.read(most)
    except OSError as error:
        changed(f"{path.name} cannot be read: {error.strerror or error}", where, error)


def changed(what: str, where: str, cause: BaseException | None = None) -> NoReturn:
    """Raise the error of a bundle that is not what its digest says."""
    raise IntegrityError(what, where=where, hint=HINT, code=CHANGED) from cause
