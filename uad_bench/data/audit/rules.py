"""The fourteen leak rules, each with its state: found broken, looked at and held, or held by other means."""

from collections.abc import Iterable
from dataclasses import dataclass

from uad_bench.data.audit.findings import Finding


@dataclass(frozen=True)
class Rule:
    """One rule. standing: its state where the audit has nothing to say of it, and why."""

    title: str
    standing: str
    why: str


UNSEEN = "not seen"
RULES = {
    "L1": Rule("a subject has one role", UNSEEN, "no case was given"),
    "L2": Rule("a case stands on one row", UNSEEN, "no case was given"),
    "L3": Rule("no voxels under two ids", UNSEEN, "`uad-bench run` compares them once scans are prepared"),
    "L4": Rule(
        "no two subjects look like one", UNSEEN, "`uad-bench run` compares them once scans are prepared"
    ),
    "L5": Rule("sessions of a subject stay together", UNSEEN, "no case was given"),
    "L6": Rule(
        "nobody is in two datasets", UNSEEN, "no pairs of ids are declared; equal scans are L3 and L4"
    ),
    "L7": Rule(
        "no threshold saw the test", "by design", "rules take val or tune cases; scoring refuses an overlap"
    ),
    "L8": Rule("nothing was fitted on the test", UNSEEN, "no fitted object was given"),
    "L9": Rule(
        "no checkpoint was chosen on the test", "by design", "a fit is handed healthy scans and no mask"
    ),
    "L10": Rule("training is on healthy cases", UNSEEN, "nobody says who is healthy"),
    "L11": Rule(
        "no pre-trained weights saw the test", "on trust", "what a method brings is its author's to declare"
    ),
    "L12": Rule(
        "no lesion mask at scoring", "by design", "a method is handed scans that hold no path and no mask"
    ),
    "L13": Rule(
        "a map does not depend on other scans", "by check", "`uad-bench check METHOD` changes their order"
    ),
    "L14": Rule("the test set is named", UNSEEN, "no test case was given"),
}
SEVERITIES = ("error", "warning", "note")


def as_lines(findings: Iterable[Finding]) -> list[str]:
    """One line a rule, L1 to L14: number, state, title, and what was found first or why nothing was."""
    told = list(findings)
    return [_line(number, rule, [f for f in told if f.rule == number]) for number, rule in RULES.items()]


def _line(number: str, rule: Rule, found: list[Finding]) -> str:
    severity = next((word for word in SEVERITIES if any(f.severity == word for f in found)), "")
    state = {"": rule.standing, "note": "ok"}.get(severity, severity)
    texts = list(dict.fromkeys(f.what for f in found if f.severity == severity)) or [rule.why]
    if number != "L14" and len(texts) > 1:  # each test set is to be named
        texts = [f"{texts[0]} (and {len(texts) - 1} more)"]
    return f"{number:<4} {state:<10} {rule.title}: {'; '.join(texts)}"
