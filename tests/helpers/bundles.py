"""Bundles for tests: a tiny model with learnt landmarks, and bundles that a forger has changed and sealed again."""

import hashlib
import json
import shutil

from tests.helpers.runs import execute, matrix
from uad_bench.weights.bundle import described
from uad_bench.weights.manifest import MANIFEST

#: A preparation that learns landmarks from the training scans.
PREPARE = [
    {"step": "canonical"}, {"step": "brain_mask"}, {"step": "resample"},
    {"step": "histogram", "percentiles": [5, 50, 95]}, {"step": "scale", "percentiles": [1, 99]},
]  # fmt: skip


def trained(place, method="dae", **parameters):
    """A finished run of a built-in method on the toy cohort, with its tiny parameters."""
    from uad_bench.pipeline.method_names import find_method

    base, tiny = method.partition(":")[0], find_method(method).cls.tiny
    more = [(["protocol", "prepare"], PREPARE)]
    more += [(["methods", base, key], value) for key, value in ({**tiny} | parameters).items()]
    (run,) = execute(matrix(method, more=more), place)
    return run


def sealed_again(folder, **facts):
    """Describe the files in the folder of a bundle anew, as a forger would, and name the folder by the new digest."""
    values = json.loads((folder / MANIFEST).read_text())
    names = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    del names[MANIFEST]
    values["files"] = {name: one.model_dump() for name, one in described(names).items()} | facts.pop(
        "files", {}
    )
    values = {key: one for key, one in (values | facts).items() if one is not ...}
    return written(folder, json.dumps(values, indent=1, sort_keys=True).encode())


def written(folder, data):
    """The folder with these bytes as its manifest, renamed to their digest."""
    (folder / MANIFEST).write_bytes(data)
    return folder.rename(folder.with_name(hashlib.sha256(data).hexdigest()))


def copied(folder, to):
    """A copy of a bundle that may be changed, <to>/NAME/DIGEST."""
    target = to / folder.parent.name / folder.name
    shutil.copytree(folder, target)
    return target


def tree(folder):
    """Every path below a folder, with the bytes of files."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")
    }
