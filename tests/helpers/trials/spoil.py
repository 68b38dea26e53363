"""Damage to bytes, text and archives, drawn from a random generator."""

import io
import tarfile
import zipfile

HARD = [
    b"", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1b[2J", b"\r", b"\n\n", b"1e999", b"nan", b"-1",
    b"18446744073709551616",
    b"1" + b"0" * 400, b"true", b"null", b"[]", b"{}", b"[[[[", b"[" * 100_000, b"&a [*a]",
    b"!!python/object:os.system", b"../../x",
    b"/etc/passwd", b"a" * 5000, b'"', b";", b"\t", b",", b"\xe9\xe8", "e\u0301\u202e".encode(), b"0x10", b"1_000",
]  # fmt: skip
NAMES = [
    "../x",
    "/x",
    "a/../../x",
    "a\\..\\x",
    "a\nb",
    "\x1b[2J",
    "n" * 300,
    "a//b",
    ".",
    "..",
    "",
    "\u202ex",
    "c:x",
]


def spoiled(rng, raw):
    """Bytes with one to three changes: bits, cuts, insertions, splices, hard words in the place of others."""
    for _ in range(rng.integers(1, 4)):
        raw = _CHANGES[rng.integers(len(_CHANGES))](rng, raw) if raw else b"\x00"
    return raw


def _place(rng, raw):
    return int(rng.integers(len(raw) + 1))


def _flip(rng, raw):
    changed = bytearray(raw)
    for place in rng.integers(0, len(raw), rng.integers(1, 5)):
        changed[place] ^= 1 << rng.integers(8)
    return bytes(changed)


def _cut(rng, raw):
    return raw[: _place(rng, raw)]


def _insert(rng, raw):
    place = _place(rng, raw)
    return raw[:place] + HARD[rng.integers(len(HARD))] + raw[place:]


def _splice(rng, raw):
    begin, end = sorted((_place(rng, raw), _place(rng, raw)))
    return [raw[:begin] + raw[end:], raw[:end] + raw[begin:]][rng.integers(2)]


def _word(rng, raw):
    """One value between separators is another."""
    import re

    words = list(re.finditer(rb"[^\s,:;\[\]{}\"]+", raw))
    if not words:
        return raw
    one = words[rng.integers(len(words))]
    return raw[: one.start()] + HARD[rng.integers(len(HARD))] + raw[one.end() :]


_CHANGES = (_flip, _cut, _insert, _splice, _word, _word)


def archive(rng, files):
    """The suffix and bytes of an archive of `files` with hostile members or damaged bytes, and the intact bytes."""
    suffix = [".zip", ".tar.gz", ".tar", ".tar.bz2", ".tar.xz"][rng.choice(5, p=[0.4, 0.3, 0.1, 0.1, 0.1])]
    members, other = [*files.items()], [*files.items()]
    intact = _packed(rng, suffix, members)
    if suffix != ".tar" and rng.integers(2):
        other.insert(_place(rng, members), (NAMES[rng.integers(len(NAMES))], members[0][1]))
        return suffix, _packed(rng, suffix, other, hostile=True), intact
    return suffix, spoiled(rng, intact), intact


def _packed(rng, suffix, members, *, hostile=False):
    return _zip(members) if suffix == ".zip" else _tar(rng, members, suffix[5:], hostile)


def _zip(members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(zipfile.ZipInfo(name or "_"), content)
    return packed.getvalue()


def _tar(rng, members, mode, hostile):
    """A tar; where it is hostile, some of its members are links, devices or pipes."""
    packed = io.BytesIO()
    odd = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE] if hostile else []
    kinds = [tarfile.REGTYPE] * 9 + odd
    with tarfile.open(fileobj=packed, mode=f"w:{mode}") as file:
        for name, content in members:
            one = tarfile.TarInfo(name)
            one.type, one.linkname = kinds[rng.integers(len(kinds))], NAMES[rng.integers(len(NAMES))]
            one.size = len(content) if one.type == tarfile.REGTYPE else 0
            file.addfile(one, io.BytesIO(content))
    return packed.getvalue()
