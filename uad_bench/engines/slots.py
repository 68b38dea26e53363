"""Slots of this machine: a share of the CPU cores, or a GPU."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from uad_bench.errors import UsageError
from uad_bench.support import environment

VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Slot:
    """A place for one process: its name in messages, its threads, and environment variables."""

    name: str
    threads: int
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def device(self) -> str:
        """The value of --device: a slot of a GPU shows its process one GPU only."""
        return "cuda" if VISIBLE in self.variables else ""


def parse_slots(text: str, threads: int = 0, device: str = "auto") -> list[Slot]:
    """The slots that `--on` names: `local:2`, two shares of the cores; `gpus:0,1`, two GPUs.

    threads: of each process, 0: the cores divided by the slots; device: of the command. Raises UsageError for another
    form, for a GPU that this process may not use, and for GPUs with another device.

    >>> [slot.name for slot in parse_slots("local:2", threads=4)]
    ['slot 0', 'slot 1']
    """
    kind, _, value = text.partition(":")
    words = [str(int(word)) if word.strip().isdecimal() else "" for word in value.split(",")]
    if kind == "local" and value.isdecimal() and 0 < int(value) <= 256:
        named: list[tuple[str, dict[str, str]]] = [(f"slot {number}", {}) for number in range(int(value))]
    elif kind == "gpus" and all(words) and len(set(words)) == len(words):
        _require_cuda(text, device)
        cards = _cards(text, [int(word) for word in words])
        named = [(f"GPU {word}", {VISIBLE: card}) for word, card in zip(words, cards, strict=True)]
    else:
        raise UsageError(f"--on {text!r}", hint="write local:2 for two processes, or gpus:0,1 for two GPUs")
    share = threads or max(1, environment.threads() // len(named))
    return [Slot(name, share, variables) for name, variables in named]


def _require_cuda(text: str, device: str) -> None:
    """Raise UsageError for a device that the slots of GPUs would silently replace."""
    if device not in {"auto", "cuda"}:
        hint = "leave --device out, or write --on local:N"
        raise UsageError(f"--on {text} and --device {device} exclude each other", hint=hint)


def _cards(text: str, wanted: Sequence[int]) -> list[str]:
    """What CUDA calls the GPUs with these numbers. Raises UsageError for one that is not allotted to this process.

    Numbers count the GPUs that $CUDA_VISIBLE_DEVICES shows, as in every CUDA program: others may be someone else's.
    """
    shown = os.environ.get(VISIBLE)
    if shown is None:
        return [str(number) for number in wanted]
    allotted = _visible(shown)
    if beyond := [number for number in wanted if number >= len(allotted)]:
        numbers = f", 0 to {len(allotted) - 1}" if allotted else ""
        hint = f"{VISIBLE}={shown} shows {len(allotted)} GPUs{numbers}"
        raise UsageError(f"no GPU {beyond[0]} for --on {text}", hint=hint)
    found = [allotted[number] for number in wanted]
    if len(set(found)) < len(found):
        hint = f"{VISIBLE}={shown} names a GPU twice"
        raise UsageError(f"one GPU for two slots of --on {text}", hint=hint)
    return found


def _visible(shown: str) -> list[str]:
    """The GPUs of a value of $CUDA_VISIBLE_DEVICES, up to the first that is neither number nor name, as in CUDA."""
    found: list[str] = []
    for word in (word.strip() for word in shown.split(",")):
        if not (word.isdecimal() or word.startswith(("GPU-", "MIG-"))):
            break
        found.append(word)
    return found
