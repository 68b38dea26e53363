"""NiiVue, the library that draws volumes in a browser: scripts/web.py or npm fetches it, the repository lacks it."""

import hashlib
import lzma
import os
import tarfile
import zlib
from pathlib import Path

from uad_bench.errors import EnvironmentFault, IntegrityError
from uad_bench.support.package_files import shipped

VERSION = "0.69.0"
#: SHA-256 of its script, dist/niivue.umd.js.
SHA256 = "47b896b77ec4a5be3ef1949c33ad393b6f45629921f326c279000bcf51bdb4af"
VARIABLE = "UAD_BENCH_NIIVUE"
LICENCE = Path(__file__).parent / "page" / "NIIVUE_LICENSE.txt"
#: What a missing file and a damaged or truncated archive raise.
UNREADABLE = (OSError, EOFError, KeyError, tarfile.TarError, zlib.error, lzma.LZMAError)
HINT = f"run `npm pack @niivue/niivue@{VERSION}` and set {VARIABLE} to the file that it writes"


def niivue_script() -> bytes:
    """The script of NiiVue, from the archive that $UAD_BENCH_NIIVUE names, or as the wheel or scripts/setup has it.

    Raises EnvironmentFault where it is missing or unreadable (UB613), IntegrityError where it is another one (UB512).
    """
    named = os.environ.get(VARIABLE, "")
    path = Path(named) if named else shipped("web") / "niivue.js"
    try:
        script = _from_archive(path) if named else path.read_bytes()
    except UNREADABLE as error:
        what = f"NiiVue {VERSION}, which draws the volumes of the viewer, is missing or cannot be read"
        raise EnvironmentFault(what, where=str(path) if named else "", hint=HINT, code="UB613") from error
    if hashlib.sha256(script).hexdigest() != SHA256:
        what = f"the script is not that of NiiVue {VERSION}"
        raise IntegrityError(what, where=str(path), hint=HINT, code="UB512")
    return script


def _from_archive(path: Path) -> bytes:
    with tarfile.open(path) as tar:
        member = tar.extractfile("package/dist/niivue.umd.js")
        if member is None:
            raise KeyError("package/dist/niivue.umd.js")
        return member.read()
