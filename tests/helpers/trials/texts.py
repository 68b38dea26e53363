"""YAML files: protocols that are shown, prepared and run under, and configurations of runs.

"Silently different" is a value that was read otherwise than a plain YAML reader reads it, or a key that was dropped.
"""

import yaml as plain

from tests.helpers.trials.judged import unsound, without_figures
from tests.helpers.trials.spoil import spoiled
from tests.helpers.trials.stock import cache
from tests.helpers.workspace import PROTOCOL

CONFIG = b"""protocol:
  train: folder
  test: [folder]
  splits: {salt: toy1, tune: {folder: 0.5}}
  postprocess: [{step: median, size: 3, axes: 2}]
  thresholds: [oracle_case, healthy_q98]
methods:
  thresh: {equalise: false}
datasets:
  folder: {lesion_kind: ms, lesion_labels: [1]}
"""


def yaml(rng, stock, folder):
    """A protocol or a configuration, given to one of the verbs that read it."""
    path, verb = (
        folder / "p.yaml",
        rng.choice(["show", "prepare", "run", "config"], p=[0.7, 0.16, 0.07, 0.07]),
    )
    path.write_bytes(spoiled(rng, CONFIG if verb == "config" else PROTOCOL.read_bytes()))
    out = ["--out", folder / "runs", "--threads", 1, "--quiet"]
    words = {
        "show": ["show", path],
        "prepare": ["prepare", "folder", *stock.source(), *stock.protocol(path)],
        "run": ["run", "thresh", *stock.source(), *stock.protocol(path), *out],
        # Without the last words the synthetic cohort would be generated where the damage removes the key.
        "config": ["run", "thresh", *stock.source(), "--protocol", PROTOCOL, "--config", path, *out,
                   "--test", "folder", "--set", "protocol.train=folder"],
    }[verb]  # fmt: skip
    with cache(folder / "cache"):
        told = stock.call(*words, before=without_figures)
    fault = unsound(told) or (None if told.code else _other(path, verb))
    return f"{verb}: {fault}" if fault else None


def _other(path, verb):
    """The first key that is not read as a plain reader reads it."""
    from uad_bench.config import Overrides, load_protocol, validated
    from uad_bench.errors import UsageError
    from uad_bench.support import strict_yaml

    try:
        given = (
            validated(Overrides, strict_yaml.read(path), "") if verb == "config" else load_protocol(str(path))
        )
    except UsageError:
        return None  # a value that the command's own --set replaces
    try:
        held = plain.safe_load(path.read_text(encoding="utf-8-sig"))
    except plain.YAMLError as error:
        return f"read, but not YAML: {error}"
    return _unlike(given.model_dump(mode="json"), held, "")


def _unlike(read, held, where):
    if isinstance(held, dict) and isinstance(read, dict):
        found = (
            _unlike(read[key], held[key], f"{where}.{key}") if key in read else f"{where}.{key}: dropped"
            for key in held
        )
        return next((fault for fault in found if fault), None)
    if isinstance(held, list) and isinstance(read, list) and len(held) == len(read):
        found = (_unlike(one, other, where) for one, other in zip(read, held, strict=True))
        return next((fault for fault in found if fault), None)
    # A number as a word, or in base 60 (12:30), is the strict reader's decision; both are checked by its tests.
    same = read == held or (isinstance(read, str | int | float) and isinstance(held, str | int | float) and (
        str(read) == str(held) or isinstance(read, str) != isinstance(held, str)
    ))  # fmt: skip
    return None if same else f"{where}: {held!r:.60} read as {read!r:.60}"
