"""`prepare`: one dataset at a time made ready for a protocol, without a run."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from uad_bench.cohort.discovery import Sources, adapter_for, discover, find
from uad_bench.cohort.roles import Plan, give_roles
from uad_bench.config import Protocol
from uad_bench.errors import DataError, UadError
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.prepare.fit_steps import before_fit, fit_steps, wants_fit
from uad_bench.prepare.parallel import prepare_all
from uad_bench.support.progress import Ticker
from uad_bench.types import Case

log = logging.getLogger(__name__)

Steps = Sequence[Mapping[str, Any]]


def ready_steps(
    protocol: Protocol,
    options: Mapping[str, Mapping[str, Any]],
    sources: Sources,
    asked: Sequence[str],
) -> Steps:
    """The steps of a protocol with what they learn from its training set.

    Where the training set is neither among the datasets `asked` for nor in a folder that is known, only the
    steps before the first one that learns; it is said.
    """
    if not wants_fit(protocol.steps):
        return protocol.steps
    name = protocol.train
    adapter = adapter_for(name, options.get(name, {}))
    if name not in asked and sources.named_root(name) is None and adapter.default_root() is None:
        return _untaught(protocol, f"add --data {name}=FOLDER")
    cases = [
        c for c in discover(name, options.get(name, {}), sources) if set(protocol.modalities) <= set(c.images)
    ]
    train = [case for case, role in give_roles(protocol, Plan(), name, cases) if role == "train"]
    if not train:
        return _untaught(protocol, f"{name} has no {' and '.join(protocol.modalities)} here")

    def ready(steps: Steps) -> list[PreparedCase]:
        done, failures = _prepared(train, protocol, steps, sources, "prepare the training cases")
        if not done:
            raise failures[0]
        return done

    return fit_steps(protocol.steps, ready, sources.cache)[0]


def _untaught(protocol: Protocol, why: str) -> Steps:
    """The steps before the first one that learns; it is said that the others are left."""
    steps = before_fit(protocol.steps)
    later = [str(step["step"]) for step in protocol.steps[len(steps) :]]
    log.info(f"{' and '.join(later)} left for the run: what they learn comes from the training set ({why})")
    return steps


def prepare_dataset(
    name: str, options: Mapping[str, Any], protocol: Protocol, steps: Steps, sources: Sources
) -> tuple[list[PreparedCase], list[UadError]]:
    """Every case of a dataset that has the protocol's modalities, prepared; and an error for each that failed."""
    cases, faults = find(name, options, sources)
    whole = [case for case in cases if set(protocol.modalities) <= set(case.images)]
    words = " and ".join(protocol.modalities)
    without = [
        DataError(f"lacks {words}", where=case.case_id, hint="another protocol may suit it", code="UB332")
        for case in cases
        if case not in whole
    ]
    done, failures = _prepared(whole, protocol, steps, sources, f"prepare {name}")
    return done, [*faults, *without, *failures]


def _prepared(
    cases: Sequence[Case], protocol: Protocol, steps: Steps, sources: Sources, what: str
) -> tuple[list[PreparedCase], list[UadError]]:
    ticker = Ticker(what)
    done, failures = prepare_all(cases, protocol.modalities, steps, sources.cache, sources.workers, ticker)
    return done, [error for _, error in failures]
