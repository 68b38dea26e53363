"""Archives: what is unpacked is what was packed, under its name, in the folder named, or there is a message."""

import hashlib

from tests.helpers.trials.judged import unsound
from tests.helpers.trials.spoil import archive

#: A tar without compression holds no digest of its files: that of the download has to be given.
NO_DIGEST = ".tar"


def packed(rng, stock, folder):
    """An archive with hostile members or damaged bytes."""
    files = {f"set/{path.name}": path.read_bytes() for path in sorted(stock.data.glob("*h0[01]*"))}
    suffix, raw, intact = archive(rng, files)
    path, into = folder / f"set{suffix}", folder / "into"
    path.write_bytes(raw)
    words = ["--sha256", hashlib.sha256(intact).hexdigest()] if suffix == NO_DIGEST else []
    told = stock.call("data", "import", "folder", path, "--into", into, *words)
    found = [file for file in folder.rglob("*") if file.is_symlink() or file.is_file()]
    found = [file for file in found if not file.name.startswith(".uad-import.")]  # the verb's own notes
    links = [file for file in found if file.is_symlink()]
    beside = [file for file in found if file != path and not file.is_relative_to(into)]
    if links or beside:
        return f"unpacked: {links or beside}"
    return unsound(told) or _unlike(told, {file: file.read_bytes() for file in found if file != path}, files)


def _unlike(told, found, files):
    """Other or missing files: a member that was added has the content of the first."""
    held = {name.partition("/")[2]: content for name, content in files.items()}
    for path, content in found.items():
        if content != held.get(path.name, next(iter(files.values()))):
            return f"{path.name} has another content"
    if found and (lost := set(held) - {path.name for path in found}):
        return f"lost: {sorted(lost)}"
    return f"exit {told.code} and files" if found and told.code in {5, 6} else None
