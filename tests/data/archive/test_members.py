"""Archives that are refused before a byte is written (F36 to F38)."""

import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.helpers.archives import FILES, refused, special, tar_of, tree, zip_of
from uad_bench.data.archive.members import Limits
from uad_bench.data.archive.unpack import MARKER, unpack

NAMES = ["../x", "a/../../x", "/etc/x", "C:\\x", "a\\..\\x", "a\nb", "a\x1b[2Jb", "a" * 300, "a/" * 600 + "a"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_f36_names_that_lead_elsewhere_are_refused(tmp_path, make, name):
    refused(make(tmp_path / "evil", {**FILES, name: b"x"}), tmp_path / "deep" / "data")
    assert not (tmp_path / "x").exists()


def test_f36_a_name_after_a_nul_character_is_checked(tmp_path):
    path = zip_of(tmp_path / "evil.zip", {"harmless#evil": b"x"})
    path.write_bytes(path.read_bytes().replace(b"harmless#", b"harmless\0"))
    assert "control" in refused(path, tmp_path / "data")


KINDS = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]


@pytest.mark.parametrize("kind", KINDS)
def test_f37_links_and_devices_are_refused(tmp_path, kind):
    extra = [special("out", kind), tarfile.TarInfo("out/file")]
    assert "link" in refused(tar_of(tmp_path / "evil.tar", extra=extra), tmp_path / "data")


def test_f37_links_inside_the_archive_are_refused_too(tmp_path):
    extra = [special("alias", tarfile.SYMTYPE, next(iter(FILES)))]
    assert "link" in refused(tar_of(tmp_path / "evil.tar", extra=extra), tmp_path / "data")


def test_f37_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("out")
    link.external_attr, link.create_system = (stat.S_IFLNK | 0o777) << 16, 3
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as packed:
        packed.writestr(link, "/etc")
    assert "link" in refused(tmp_path / "evil.zip", tmp_path / "data")


def test_f37_one_name_for_two_members_is_refused(tmp_path):
    twice = [tarfile.TarInfo("a"), tarfile.TarInfo("a")]
    assert "two files" in refused(tar_of(tmp_path / "1.tar", {}, extra=twice), tmp_path / "data")
    both = {"a": b"1", "a/b": b"2"}
    assert "file and a folder" in refused(tar_of(tmp_path / "2.tar", both), tmp_path / "data")


def test_encrypted_zips_are_refused(tmp_path):
    path = zip_of(tmp_path / "locked.zip")
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(raw)
    assert "encrypted" in refused(path, tmp_path / "data")


def test_f38_too_many_members(tmp_path):
    files = {f"{i}": b"" for i in range(12)}
    line = refused(tar_of(tmp_path / "many.tar", files), tmp_path / "data", limits=Limits(members=11))
    assert "more than 11 members" in line
    unpack(tmp_path / "many.tar", tmp_path / "data", limits=Limits(members=12))


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_f38_too_many_bytes(tmp_path, make):
    size = sum(map(len, FILES.values()))
    line = refused(make(tmp_path / "big"), tmp_path / "data", limits=Limits(total_bytes=size - 1))
    assert "bytes" in line
    unpack(make(tmp_path / "big"), tmp_path / "data", limits=Limits(total_bytes=size))


def test_f38_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked(tmp_path):
    info = tarfile.TarInfo("zeros")
    info.size = 50 << 20
    with (
        tarfile.open(tmp_path / "bomb.tar.xz", "w:xz", preset=0) as tar,
        Path("/dev/zero").open("rb") as zeros,
    ):
        tar.addfile(info, zeros)
    assert "bytes once unpacked" in refused(tmp_path / "bomb.tar.xz", tmp_path / "data")


def test_resource_forks_of_macos_are_left_out(tmp_path):
    files = {"set/a.nii.gz": b"1", "set/._a.nii.gz": b"fork", "__MACOSX/set/._a.nii.gz": b"fork"}
    folder = unpack(zip_of(tmp_path / "m.zip", files), tmp_path / "data")
    assert folder.name == "set"
    assert set(tree(folder)) == {"a.nii.gz", MARKER}


@pytest.mark.parametrize(
    ("method", "words"),
    [(9, "Deflate64"), (93, "Zstandard"), (98, "PPMd"), (77, "method 77"), (99, "encrypted")],
)
def test_a_zip_of_an_unsupported_kind_is_unsupported_and_not_damaged(tmp_path, method, words):
    path = zip_of(tmp_path / "other.zip")
    raw, number = path.read_bytes(), method.to_bytes(2, "little")
    for mark, offset in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        start = -1
        while (start := raw.find(mark, start + 1)) >= 0:
            raw = raw[: start + offset] + number + raw[start + offset + 2 :]
    path.write_bytes(raw)
    message = refused(path, tmp_path / "data")
    assert words in message and "not supported" in message and "damaged" not in message
