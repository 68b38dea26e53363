"""Every dataset check finds the adapter that breaks its promise, and only that check."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers.sound_plugins import SoundDataset
from uad_bench.errors import DataError
from uad_bench.testing import check_dataset


class Nameless(SoundDataset):
    name = "No Name"


class SilentlyEmpty(SoundDataset):
    def discover(self, root):
        return iter([self.case(path) for path in sorted(root.glob("*_t2.nii.gz"))])


class Twice(SoundDataset):
    def discover(self, root):
        return (case for case in super().discover(root) for _ in range(2))


class Backwards(SoundDataset):
    def discover(self, root):
        return reversed(list(super().discover(root)))


class Writes(SoundDataset):
    def discover(self, root):
        found = super().discover(root)
        (root / f"index-{len(list(root.iterdir()))}.txt").write_text("")
        return found


class Invents(SoundDataset):
    def case(self, path):
        return replace(super().case(path), brain_mask=path.with_name("absent.nii.gz"))


class Undeclared(SoundDataset):
    modalities = ("t1",)


class Unsure(SoundDataset):
    """Sound as well: a case that cannot be paired is yielded as an error."""

    def discover(self, root):
        yield DataError("two files for t2", where="c", hint="name one copy as the root", code="UB329")
        yield from super().discover(root)


class Hopeless(SoundDataset):
    def discover(self, root):
        return (
            DataError("no mask", where=case.case_id, hint="copy it again") for case in super().discover(root)
        )


class SaysNotWhere(SoundDataset):
    def discover(self, root):
        return (item for item in [*super().discover(root), DataError("something is wrong", hint="look")])


class SaysNotWhat(SoundDataset):
    def discover(self, root):
        return (item for item in [*super().discover(root), DataError("something is wrong", where="c")])


class YieldsWords(SoundDataset):
    def discover(self, root):
        return (item for item in [*super().discover(root), "c cannot be paired"])


class CallsAllHealthy(SoundDataset):
    def case(self, path):
        return replace(super().case(path), healthy=True)


class CallsAllIll(SoundDataset):
    def case(self, path):
        return replace(super().case(path), healthy=False)


BROKEN = {
    Nameless: "name_and_modalities",
    SilentlyEmpty: "empty_folder",
    Twice: "ids",
    Backwards: "order",
    Writes: "folder_stays_untouched",
    Invents: "files_exist",
    Undeclared: "modalities_are_declared",
    SaysNotWhere: "faults_say_where",
    SaysNotWhat: "faults_say_where",
    YieldsWords: "faults_say_where",
    CallsAllHealthy: "healthy_cases",
    CallsAllIll: "healthy_cases",
}


@pytest.fixture
def root(write_nifti):
    image = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    for name in ("a", "b"):
        path = write_nifti(f"data/{name}_t2.nii.gz", image)
    write_nifti("data/b_lesion.nii.gz", (image > 50).astype(np.uint8))
    return path.parent


@pytest.mark.parametrize("cls", [SoundDataset, Unsure])
def test_a_sound_dataset_keeps_every_promise(root, cls):
    assert {result.status for result in check_dataset(cls, root)} == {"kept"}


def test_what_is_said_of_cases_is_not_checked_where_there_is_none(root):
    status = {result.promise: result.status for result in check_dataset(Hopeless, root)}
    assert status["faults_say_where"] == status["empty_folder"] == "kept"
    assert status["files_exist"] == status["ids"] == "not checked"


@pytest.mark.parametrize(("cls", "promise"), BROKEN.items(), ids=lambda x: getattr(x, "__name__", x))
def test_the_check_finds_the_one_broken_promise(root, cls, promise):
    assert {result.promise for result in check_dataset(cls, root) if not result.ok} == {promise}


def test_without_a_folder_only_what_needs_none_is_checked():
    status = {result.promise: result.status for result in check_dataset(SoundDataset)}
    kept = {"name_and_modalities", "empty_folder"}
    assert {promise for promise, value in status.items() if value == "kept"} == kept
    assert {value for promise, value in status.items() if promise not in kept} == {"not checked"}
