"""Datasets prepared for a protocol without a run, as the commands `prepare` and `data report` do it."""

import logging
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from uad_bench.cohort.discovery import Sources, adapter_for, find_cases, require_cases
from uad_bench.cohort.roles import Plan, assign_roles
from uad_bench.config import Protocol
from uad_bench.errors import DataError, UadError
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.prepare.fit_steps import fit_steps, needs_fit, steps_before_fit
from uad_bench.prepare.prepare_cases import prepare_cases

log = logging.getLogger(__name__)

Options = Mapping[str, Mapping[str, Any]]
Steps = Sequence[Mapping[str, Any]]
Item = TypeVar("Item")


@dataclass(frozen=True)
class PreparedDataset:
    """The prepared cases of a dataset, and an error for each case that was found and is not among them."""

    name: str
    cases: Sequence[PreparedCase]
    failures: Sequence[UadError]

    @property
    def found(self) -> int:
        """The number of cases, prepared or not."""
        return len(self.cases) + len(self.failures)


@dataclass(frozen=True)
class Shard:
    """The share of one job among `of` jobs: every `of`-th case of each dataset, from number `which` (1 to `of`) on.

    >>> Shard(2, 3).share("abcdefgh")
    ['b', 'e', 'h']
    """

    which: int = 1
    of: int = 1

    def share(self, items: Sequence[Item]) -> list[Item]:
        """The items of this share; the shares of all jobs together are all items."""
        return list(items[self.which - 1 :: self.of])

    def __str__(self) -> str:
        return f" of shard {self.which}/{self.of}" if self.of > 1 else ""


def prepare_datasets(
    names: Sequence[str],
    protocol: Protocol,
    options: Options,
    sources: Sources,
    shard: Shard = Shard(),
) -> Iterator[PreparedDataset]:
    """Each dataset after all cases with the protocol's modalities were prepared. options: of the datasets, by name."""
    names = list(dict.fromkeys(names))
    for name in names:  # a folder that is not known is an error before hours of work
        sources.root(name, adapter_for(name, options.get(name, {})))
    steps = learnt_steps(protocol, options, sources, names, shard)
    for name in names:
        every, broken = find_cases(name, options.get(name, {}), sources)
        cases, faults = shard.share(every), shard.share(broken)
        usable = [case for case in cases if set(protocol.modalities) <= set(case.images)]
        words, hint = " and ".join(protocol.modalities), "another protocol may suit it"
        lacking = [
            DataError(f"lacks {words}", where=case.case_id, hint=hint, code="UB332")
            for case in cases
            if case not in usable
        ]
        done, failures = prepare_cases(usable, sources.preparation(protocol, steps), f"prepare {name}")
        yield PreparedDataset(name, done, [*faults, *lacking, *(error for _, error in failures)])


def learnt_steps(
    protocol: Protocol,
    options: Options,
    sources: Sources,
    names: Sequence[str],
    shard: Shard = Shard(),
) -> Steps:
    """The preparation steps of a protocol, with the parameters that some learn from its training set.

    Every shard needs all training cases. It prepares its own ones first, so that those of others are in the cache then.
    Where the training set is neither among `names` nor in a known folder, only the steps before the first one that
    learns, with a warning.
    """
    if not needs_fit(protocol.steps):
        return protocol.steps
    name = protocol.train
    chosen = options.get(name, {})
    if (
        name not in names
        and sources.named_root(name) is None
        and adapter_for(name, chosen).default_root() is None
    ):
        return _without_learning(protocol, f"add --data {shlex.quote(name)}=FOLDER")
    cases = [c for c in require_cases(name, chosen, sources) if set(protocol.modalities) <= set(c.images)]
    train = [case for case, role in assign_roles(protocol, Plan(), name, cases) if role == "train"]
    if not train:
        return _without_learning(
            protocol, f"{name} has no training case with {' and '.join(protocol.modalities)}"
        )

    def prepared(before: Steps) -> list[PreparedCase]:
        if shard.of > 1:
            prepare_cases(shard.share(train), sources.preparation(protocol, before), "prepare the shard")
        done, failures = prepare_cases(
            train, sources.preparation(protocol, before), "prepare the training cases"
        )
        if not done:
            raise failures[0][1]
        return done

    return fit_steps(protocol.steps, prepared, sources.cache)[0]


def _without_learning(protocol: Protocol, why: str) -> Steps:
    """The steps before the first one that learns, with a warning."""
    steps = steps_before_fit(protocol.steps)
    later = " and ".join(str(step["step"]) for step in protocol.steps[len(steps) :])
    log.warning(
        "%s not applied: these steps learn from the training set, which is not known (%s)", later, why
    )
    return steps
