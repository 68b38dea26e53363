"""Every dataset check finds the adapter that breaks its promise."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_bench.testing import check_dataset


@dataclass
class Sound(DatasetAdapter):
    """Reads NAME_t2.nii.gz and NAME_lesion.nii.gz; the classes below break one promise each."""

    name = "sound"
    modalities = ("t2",)

    def discover(self, root):
        paths = sorted(root.glob("*_t2.nii.gz"))
        if not paths:
            raise DataError("no case here", where=str(root))
        return iter([self.case(path) for path in paths])

    def case(self, path):
        case_id = path.name.removesuffix("_t2.nii.gz")
        lesion = path.with_name(f"{case_id}_lesion.nii.gz")
        mask = lesion if lesion.exists() else None
        return Case("sound", case_id, case_id, {"t2": path}, healthy=mask is None, lesion_mask=mask)


class Nameless(Sound):
    name = "No Name"


class SilentlyEmpty(Sound):
    def discover(self, root):
        return iter([self.case(path) for path in sorted(root.glob("*_t2.nii.gz"))])


class Twice(Sound):
    def discover(self, root):
        return (case for case in super().discover(root) for _ in range(2))


class Backwards(Sound):
    def discover(self, root):
        return reversed(list(super().discover(root)))


class Writes(Sound):
    def discover(self, root):
        found = super().discover(root)
        (root / f"index-{len(list(root.iterdir()))}.txt").write_text("")
        return found


class Invents(Sound):
    def case(self, path):
        return replace(super().case(path), brain_mask=path.with_name("absent.nii.gz"))


class Undeclared(Sound):
    modalities = ("t1",)


class Unsure(Sound):
    """Sound too: what cannot be paired is yielded as what speaks against it."""

    def discover(self, root):
        yield DataError("two files for t2", where="c", hint="name one copy as the root", code="UB329")
        yield from super().discover(root)


class Hopeless(Sound):
    def discover(self, root):
        return (
            DataError("no mask", where=case.case_id, hint="copy it again") for case in super().discover(root)
        )


class SaysNotWhere(Sound):
    def discover(self, root):
        return (item for item in [*super().discover(root), DataError("something is wrong", hint="look")])


class SaysNotWhat(Sound):
    def discover(self, root):
        return (item for item in [*super().discover(root), DataError("something is wrong", where="c")])


class YieldsWords(Sound):
    def discover(self, root):
        return (item for item in [*super().discover(root), "c cannot be paired"])


class CallsAllHealthy(Sound):
    def case(self, path):
        return replace(super().case(path), healthy=True)


class CallsAllIll(Sound):
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


@pytest.mark.parametrize("cls", [Sound, Unsure])
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
    status = {result.promise: result.status for result in check_dataset(Sound)}
    kept = {"name_and_modalities", "empty_folder"}
    assert {promise for promise, value in status.items() if value == "kept"} == kept
    assert {value for promise, value in status.items() if promise not in kept} == {"not checked"}
