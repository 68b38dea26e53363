"""The state of a process that a plug-in must not change."""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from uad_bench.method.torch_settings import torch_settings
from uad_bench.testing.candidate import broken

Result = TypeVar("Result")


def process_state() -> dict[str, Any]:
    """What is compared before and after a call, by the name used in the report.

    torch's random state is not part of it: dropout advances it.
    """
    return {
        "working directory": Path.cwd(),
        "environment variables": dict(os.environ),
        "random state of Python": random.getstate(),
        "random state of numpy": str(np.random.get_state()),  # noqa: NPY002  # the global state is what is compared
        "numpy's error handling": np.geterr(),
    } | torch_settings()


def changed_settings(before: dict[str, Any]) -> list[str]:
    """The names of what differs between `before`, an earlier `process_state()`, and now."""
    after = process_state()
    return [key for key in before if before[key] != after[key]]


def refuse_changes(name: str, changed: list[str]) -> None:
    """Raises PluginError (UB410) if a plug-in changed settings of the process."""
    if changed:
        fix = "restore the setting after use, or leave it to the caller"
        raise broken(name, "an unchanged process", f"changed: {', '.join(changed)}", fix)


def with_other_random_state(call: Callable[[], Result]) -> Result:
    """`call` after the global generators of Python, numpy and torch were seeded differently."""
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002  # the global state must have no effect
    torch.manual_seed(1)
    return call()
