"""Push and pull between places: leftovers, unwritable and unreadable places, wrong arguments."""

from pathlib import Path

import pytest

from tests.helpers.bundles import copied, tree
from uad_bench.support.atomic_files import aside_name


def leftover(folder):
    """What a killed push or pull leaves: an unlocked folder."""
    left = aside_name(folder / "tiny" / "bundle")
    (left / "model").mkdir(parents=True)
    return left


def test_what_a_killed_push_or_pull_left_is_removed_by_the_next_one(verb, bundle, tmp_path):
    left = [leftover(tmp_path / name) for name in ("shelf", "store")]
    assert verb("weights", "push", bundle.folder, "--to", "shelf")[0] == 0
    assert verb("weights", "pull", bundle.label, "--from", "shelf")[0] == 0
    assert not [path for path in left if path.exists()]
    assert [path.name for path in (tmp_path / "store" / "tiny").iterdir()] == [bundle.digest]


def test_a_place_that_cannot_be_written_is_named_with_the_option_of_the_verb(verb, bundle, tmp_path):
    for name in ("store", "file"):
        (tmp_path / name).write_text("in the way")
    code, _, err = verb("weights", "push", bundle.folder, "--to", "file/shelf")
    assert code == 6 and "name another folder with --to" in err and "--out" not in err
    code, _, err = verb("weights", "pull", bundle.label, "--from", bundle.folder.parents[1])
    assert code == 6 and "set UAD_BENCH_WEIGHTS to another folder" in err and "--out" not in err


def test_a_source_that_cannot_be_read_is_no_fault_of_the_place(verb, bundle, tmp_path, monkeypatch):
    folder, real = copied(bundle.folder, tmp_path / "shelf"), Path.open

    def refuse(path, *words, **more):
        if path == folder / "model/weights.safetensors":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *words, **more)

    monkeypatch.setattr(Path, "open", refuse)
    code, _, err = verb("weights", "pull", bundle.label, "--from", tmp_path / "shelf")
    assert code == 3 and "error[UB321]" in err and "cannot read: Permission denied" in err
    assert "cannot write" not in err and not (tmp_path / "store").exists()


@pytest.mark.parametrize("verb_", ["push", "pull"])
def test_each_file_is_read_for_its_digest_once(verb, bundle, tmp_path, monkeypatch, verb_):
    """`copy_file` gives the digest of what it writes; `sha256`, which reads a file again, is not called."""
    monkeypatch.setattr(
        "uad_bench.weights.bundle.sha256", lambda path: pytest.fail(f"{path.name} is read again")
    )
    where = ("--to", "shelf") if verb_ == "push" else ("--from", bundle.folder.parents[1])
    code, _, err = verb("weights", verb_, bundle.folder if verb_ == "push" else bundle.label, *where)
    assert code == 0, err


@pytest.mark.parametrize(
    ("words", "code", "stable"),
    [
        (("predict", "tiny@00000000", "x_t2.nii.gz"), 2, "UB260"),
        (("weights", "pull", "tiny", "--from", "."), 2, "UB260"),
        (("weights", "pull", "tiny@00000000", "--from", "."), 3, "UB345"),
        (("weights", "pull", "tiny@00000000", "--from", "nowhere"), 2, "UB200"),
        (("weights", "pull", "../x@00000000", "--from", "."), 2, "UB260"),
        (("weights", "push", "nowhere", "--to", "shelf"), 2, "UB200"),
        (("weights", "push", ".", "--to", "shelf"), 2, "UB252"),
        (("weights", "verify", "."), 5, "UB510"),
        (("weights", "list", "--from", "hf://one"), 2, "UB200"),
    ],
    ids=str,
)
def test_wrong_words_are_one_line_and_write_nothing(verb, tmp_path, words, code, stable):
    left, _, err = verb(*words)
    assert left == code and f"error[{stable}]" in err and err.count("error[") == 1, err
    assert tree(tmp_path) == {}
