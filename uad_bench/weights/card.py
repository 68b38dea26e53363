"""The model card of a bundle: facts about a run as JSON, and the same facts as a page."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uad_bench import plugins
from uad_bench.config import Protocol, RunSpec
from uad_bench.data.splits import ids_hash
from uad_bench.errors import UadError
from uad_bench.results.run_directory import RunDir
from uad_bench.support.environment import installed
from uad_bench.weights.portable import healthy_rows, portable_spec

UNKNOWN_TERMS = "not recorded; contact the authors of the model"
ROLES = ("train", "val")
#: Pages name these rows of metrics.csv; the others are in card.json.
GROUPS = ("all", "healthy")


@dataclass(frozen=True)
class Said:
    """What the user says of a bundle. license: of the weights, such as cc-by-4.0; terms: of the training data."""

    name: str = ""
    license: str = ""
    terms: str = ""


def card(run: RunDir, spec: RunSpec, said: Said, identity: str) -> dict[str, Any]:
    """The facts about a model: card.json of a bundle. No id of a scan and no path is among them."""
    status, machine = run.status(), run.environment()
    rows, plain = run.table("splits.csv"), portable_spec(spec)
    return {
        "method": spec.method,
        "method_version": spec.version,
        "identity": identity,
        "parameters": plain.parameters,
        "seed": spec.seed,
        "license": said.license,
        "requires": requirements(spec, machine),
        "training": {role: _cases(rows, role) for role in ROLES}
        | {"dataset": plugins.label(spec.protocol.train), "terms": said.terms or _terms(spec)},
        "pretrained": _pretrained(run),
        "remarks": _remarks(run, spec),
        "protocol": _protocol(plain.protocol) | {"fingerprint_of_run": spec.protocol.fingerprint},
        "cost": {key: status[key] for key in ("parameters", "fit_s", "score_s_per_scan") if key in status},
        "machine": {key: machine.get(key) for key in ("device", "device_name", "threads", "precision")},
        "thresholds": _thresholds(run),
        "scores": [_score(row) for row in run.table("metrics.csv") if row["value"]],
        "test_cases": {test: _cases(rows, "test", test) for test in map(plugins.label, spec.test)},
    }


def requirements(spec: RunSpec, machine: Mapping[str, Any]) -> dict[str, str]:
    """The distributions that a prediction needs, with the versions that trained the model."""
    found = dict(machine.get("packages", {}))
    source = spec.source or "uad-bench"
    wanted = {"uad-bench": found.get("uad-bench", ""), source: found.get(source) or installed(source)}
    return wanted | {"torch": found.get("torch", "")}


def _cases(rows: Sequence[Mapping[str, str]], role: str, dataset: str = "") -> dict[str, Any]:
    """Number and digest of the cases of a role; the digest shows whether two models saw the same cases."""
    mine = [row for row in rows if row["role"] == role and dataset in ("", row["dataset"])]
    contents = ids_hash(f"{row['case_id']} {row['content']}" for row in mine)
    subjects = len({row["subject_id"] or row["case_id"] for row in mine})
    return {"cases": len(mine), "subjects": subjects, "sha256": contents}


def _terms(spec: RunSpec) -> str:
    """What the adapter of the training data says about it, where a plug-in registers it."""
    entry = plugins.catalogue().entries.get(("dataset", spec.protocol.train))
    if entry is None:
        return UNKNOWN_TERMS
    try:
        return str(plugins.load(entry).about) or UNKNOWN_TERMS
    except UadError:
        return UNKNOWN_TERMS


def _pretrained(run: RunDir) -> list[str]:
    return [one["what"] for one in _findings(run) if one["rule"] == "L11"]


def _remarks(run: RunDir, spec: RunSpec) -> list[str]:
    published = [f"roles from a published split, {spec.splits}"] if spec.splits else []
    return published + [f"leak {o['rule']}: {o['what']}" for o in _findings(run) if o["severity"] == "error"]


def _findings(run: RunDir) -> list[dict[str, Any]]:
    path = run.path / "audit.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return found


def _protocol(protocol: Protocol) -> dict[str, Any]:
    values = protocol.model_dump(
        mode="json", include={"name", "version", "summary", "modalities", "grid", "primary"}
    )
    names = [str(step["step"]) for step in protocol.prepare]
    return values | {"fingerprint": protocol.fingerprint, "preparation": names}


def _thresholds(run: RunDir) -> list[dict[str, Any]]:
    rows = healthy_rows(run.table("thresholds.csv"))
    return [{"rule": r["rule"], "value": float(r["value"]), "scans": int(r["n_cases"] or 0)} for r in rows]


def _score(row: Mapping[str, str]) -> dict[str, Any]:
    same = {key: row[key] for key in ("dataset", "group", "metric")}
    return same | {"value": float(row["value"]), "n": int(row["n"]), "oracle": row.get("oracle") == "True"}


def page(facts: Mapping[str, Any]) -> str:
    """README.md of a bundle."""
    return "\n".join(_lines(facts)) + "\n"


def _lines(facts: Mapping[str, Any]) -> Iterator[str]:
    protocol, training = facts["protocol"], facts["training"]
    yield from [
        "---",
        *([f"license: {json.dumps(facts['license'])}"] if facts["license"] else []),
        "library_name: uad-bench",
    ]
    yield from ["tags: [medical, mri, anomaly-detection]", "---", f"# {facts['method']}, {protocol['name']}"]
    yield ""
    yield "A model for anomaly maps of brain MRI, trained on healthy scans with uad-bench. Scores are not"
    yield "probabilities, and maps are not a diagnosis. The model is not made for clinical use."
    yield ""
    scans = " ".join(f"scan_{modality}.nii.gz" for modality in protocol["modalities"])
    yield from [
        "```",
        f"uad-bench predict NAME@DIGEST {scans}    # DIGEST: the name of this folder",
        "```",
    ]
    yield ""
    yield "| | |"
    yield "|---|---|"
    for key, value in _table(facts, protocol, training):
        yield f"| {key} | {_cell(value)} |"
    yield from ["", "## Preparation", " -> ".join(protocol["preparation"]), "", "## Scores", ""]
    yield from _scores(facts)


def _table(
    facts: Mapping[str, Any], protocol: Mapping[str, Any], training: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    needs = ", ".join(f"{name} {version}".strip() for name, version in facts["requires"].items())
    for role in ROLES:
        one = training[role]
        where = f"{training['dataset']}: {one['cases']} scans of {one['subjects']} subjects"
        yield (
            f"{'training' if role == 'train' else 'validation'} data",
            f"{where}, SHA-256 of ids {one['sha256'][:16]}",
        )
    yield "terms of the training data", training["terms"]
    yield "license of the weights", facts["license"] or "none stated"
    yield "pretrained parts", "; ".join(facts["pretrained"]) or "none"
    yield "remarks", "; ".join(facts["remarks"]) or "none"
    yield "method", f"{facts['method']}, version {facts['method_version']} of the method"
    yield "seed", facts["seed"]
    yield "parameters", ", ".join(f"{key}={value}" for key, value in facts["parameters"].items()) or "none"
    yield (
        "input",
        f"{', '.join(protocol['modalities'])}; grid {protocol['grid']['shape']} of {protocol['grid']['spacing']} mm",
    )
    yield (
        "protocol",
        f"{protocol['name']} version {protocol['version']}, fingerprint {protocol['fingerprint_of_run']}",
    )
    rules = (f"{t['rule']} {t['value']:.6g} ({t['scans']} scans)" for t in facts["thresholds"])
    yield "healthy thresholds", "; ".join(rules) or "none"
    yield "needs", needs
    yield "trained on", f"{facts['machine']['device']}, {facts['machine']['threads']} threads"
    yield "digest of the model", f"{facts['identity']}, as in tables and predictions"


def _scores(facts: Mapping[str, Any]) -> Iterator[str]:
    for test, cases in facts["test_cases"].items():
        yield (
            f"Scores of this run on test set {test} ({cases['cases']} scans, one seed, no confidence interval)."
        )
    yield from ["", "| test set | cases | metric | value | n |", "|---|---|---|---|---|"]
    for row in facts["scores"]:
        if row["group"] in GROUPS and not row["oracle"] and ":" not in row["metric"]:
            cells = (row["dataset"], row["group"], row["metric"], f"{row['value']:.4g}", row["n"])
            yield f"| {' | '.join(map(_cell, cells))} |"


def _cell(value: Any) -> str:
    """A cell of a Markdown table: one line, no bar."""
    return " ".join(str(value).split()).replace("|", "\\|")
