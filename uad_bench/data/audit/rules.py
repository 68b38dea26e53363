"""The fourteen leak rules. The state of each: a leak found, checked without a finding, or guaranteed by other means."""

from collections.abc import Iterable
from dataclasses import dataclass

from uad_bench.data.audit.findings import Finding


@dataclass(frozen=True)
class Rule:
    """One rule. default: its state without any finding, and `why`."""

    title: str
    default: str
    why: str


NOT_CHECKED, BY_DESIGN = "unchecked", "by design"
RULES = {
    "L1": Rule("a subject has one role", NOT_CHECKED, "no case was given"),
    "L2": Rule("a case is on one row", NOT_CHECKED, "no case was given"),
    "L3": Rule(
        "no two case ids have identical voxels",
        NOT_CHECKED,
        "`uad-bench run` compares them once scans are prepared",
    ),
    "L4": Rule(
        "no near duplicates among subjects",
        NOT_CHECKED,
        "`uad-bench run` compares thumbnails once scans are prepared",
    ),
    "L5": Rule("sessions of a subject share a role", NOT_CHECKED, "no case was given"),
    "L6": Rule(
        "no subject is in two datasets",
        NOT_CHECKED,
        "people of two datasets were not compared; equal scans are L3 and L4",
    ),
    "L7": Rule(
        "no threshold was set on test cases",
        BY_DESIGN,
        "rules take val or tune cases; scoring refuses an overlap",
    ),
    "L8": Rule("nothing was fitted on test cases", NOT_CHECKED, "no fitted object was given"),
    "L9": Rule(
        "no checkpoint was chosen on test cases",
        BY_DESIGN,
        "training receives healthy scans and no lesion mask",
    ),
    "L10": Rule("training is on healthy cases", NOT_CHECKED, "no case is declared healthy or not"),
    "L11": Rule(
        "no weights were pretrained on test cases",
        "declared",
        "authors of methods declare the training data of weights",
    ),
    "L12": Rule(
        "no lesion mask at scoring", BY_DESIGN, "methods receive scans without paths and lesion masks"
    ),
    "L13": Rule(
        "a map does not depend on the order of the scans; outside track transductive, not on other scans",
        "by check",
        "`uad-bench check METHOD` changes their order",
    ),
    "L14": Rule("the test set is identified", NOT_CHECKED, "no test case was given"),
}
SEVERITIES = ("error", "warning", "note")


def as_lines(findings: Iterable[Finding]) -> list[str]:
    """One line per rule, L1 to L14: number, state, title, and the first finding or the reason why there is none."""
    found = list(findings)
    return [_line(number, rule, [f for f in found if f.rule == number]) for number, rule in RULES.items()]


def _line(number: str, rule: Rule, found: list[Finding]) -> str:
    severity = next((word for word in SEVERITIES if any(f.severity == word for f in found)), "")
    state = {"": rule.default, "note": "ok"}.get(severity, severity)
    texts = list(dict.fromkeys(f.what for f in found if f.severity == severity)) or [rule.why]
    if number != "L14" and len(texts) > 1:  # L14 identifies each test set
        texts = [f"{texts[0]} (and {len(texts) - 1} more)"]
    return f"{number:<4} {state:<10} {rule.title}: {'; '.join(texts)}"
