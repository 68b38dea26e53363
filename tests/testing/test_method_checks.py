"""Every check of parameters, scans and maps finds the method that breaks its promise, and only that check."""

from dataclasses import dataclass, field

import pytest
import torch

from tests.helpers.sound_plugins import SoundMethod
from uad_bench.testing import METHOD_CHECKS, check_method, method_checks


@dataclass
class NoDefault(SoundMethod):
    extra: list = field(default_factory=list, init=False)


@dataclass
class WrongVariant(SoundMethod):
    variants = {"heavy": {"wait": 2.0}}


@dataclass
class EmptyVariant(SoundMethod):
    variants = {"usual": {}}


@dataclass
class ChangesItself(SoundMethod):
    def fit(self, train, val, ctx):
        super().fit(train, val, ctx)
        self.weight = 2.0


@dataclass
class WritesScan(SoundMethod):
    def fit(self, train, val, ctx):
        super().fit(train, val, ctx)
        base = train[0].image.base
        base.flags.writeable = True
        base *= 2


@dataclass
class WritesValidationScan(SoundMethod):
    def fit(self, train, val, ctx):
        super().fit(train, val, ctx)
        torch.from_numpy(val[0].image).mul_(2)


@dataclass
class Transposed(SoundMethod):
    def score(self, scan, ctx):
        return super().score(scan, ctx).T


@dataclass
class OneChannel(SoundMethod):
    def score(self, scan, ctx):
        return scan.image.reshape(scan.shape)


BROKEN = {
    NoDefault: "parameters_are_fields",
    WrongVariant: "parameters_are_fields",
    EmptyVariant: "parameters_are_fields",
    ChangesItself: "parameters_stay_untouched",
    WritesScan: "scans_stay_untouched",
    WritesValidationScan: "scans_stay_untouched",
    Transposed: "map",
    OneChannel: "modalities",
}


def broken(cls):
    return {result.promise for result in check_method(cls) if not result.ok}


def test_a_sound_method_keeps_every_promise_that_applies():
    status = {result.promise: result.status for result in check_method(SoundMethod)}
    assert len(status) == len(METHOD_CHECKS)
    absent = ("resume", "components", "set_order_does_not_matter", "sets_are_streamed")
    assert {status.pop(name) for name in absent} == {"not checked"}
    assert set(status.values()) == {"kept"}


@pytest.mark.parametrize(("cls", "promise"), BROKEN.items(), ids=lambda x: getattr(x, "__name__", x))
def test_the_check_finds_the_one_broken_promise(cls, promise):
    # A map that depends on a changed parameter differs after a reload too.
    also = {"save_and_load"} if cls is ChangesItself else set()
    assert broken(cls) == {promise} | also


def test_a_slow_fit_is_found(monkeypatch):
    monkeypatch.setattr(method_checks, "QUICK_S", -1.0)
    assert broken(SoundMethod) == {"tiny_is_quick"}


def test_a_method_of_one_modality_is_not_checked_with_two():
    class T2Only(OneChannel):
        modalities = ("t2",)

    status = {result.promise: result.status for result in check_method(T2Only)}
    assert status["modalities"] == "not checked"
