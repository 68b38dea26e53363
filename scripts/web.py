"""Fetch two JavaScript packages into web/, since the repository holds neither: NiiVue (viewer) and axe-core (tests).

`npm pack` fetches them from the registry that npm is configured for; with $UAD_BENCH_WEB_URL (a URL, file:// too) they
are read from there, as <name>-<version>.tgz. What has another digest than the one below is refused. scripts/setup and
scripts/wheel call this; the wheel contains NiiVue with its licence (hatch_build.py).
"""

import base64
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "web"


@dataclass(frozen=True)
class Package:
    """A package of npm. integrity: SHA-512 of its archive, as npm writes it; files: (in the archive, in web/)."""

    name: str
    version: str
    integrity: str
    files: tuple[tuple[str, str], ...]

    @property
    def archive(self) -> str:
        """The name that `npm pack` gives the archive."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


PACKAGES = (
    Package(
        "@niivue/niivue",
        "0.69.0",
        "YMjQvJgD1W2b7DuoxkwlC4VxbrgIePRJ5qyQzXKxi2v2MBVg285P/CIQyg46oDDGDIcaNlbd+MhtO/edMbXJkA==",
        (("package/dist/niivue.umd.js", "niivue.js"),),
    ),
    Package(
        "axe-core",
        "4.14.1",
        "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        (("package/axe.min.js", "axe.js"), ("package/LICENSE", "axe.LICENSE")),
    ),
)


def fetch(package: Package) -> bytes:
    """The archive of a package. Raises OSError where it cannot be fetched, ValueError for another digest."""
    if base := os.environ.get("UAD_BENCH_WEB_URL"):
        with urllib.request.urlopen(f"{base.rstrip('/')}/{package.archive}", timeout=60) as answer:
            archive = answer.read()
    else:
        archive = npm_pack(package)
    found = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != package.integrity:
        raise ValueError(f"{package.archive} has SHA-512 {found}, not {package.integrity}")
    return archive


def npm_pack(package: Package) -> bytes:
    """What `npm pack` fetches; no script of the package is run."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["npm", "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            reason = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise OSError(f"npm pack: {reason[0]}")
        return (Path(folder) / package.archive).read_bytes()


def unpack(archive: bytes, files: tuple[tuple[str, str], ...], folder: Path) -> None:
    """Write these files of an archive to a folder, and no other."""
    folder.mkdir(exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for name, target in files:
            member = tar.extractfile(name)
            if member is None:
                raise ValueError(f"{name} is no file")
            aside = folder / f".{target}.part"
            aside.write_bytes(member.read())
            aside.replace(folder / target)


def main() -> int:
    """Fetch what is missing or of another version; 6 where something could not be fetched."""
    left = []
    for package in PACKAGES:
        stamp = FOLDER / f"{package.files[0][1]}.version"
        there = all((FOLDER / target).is_file() for _, target in package.files)
        if there and stamp.is_file() and stamp.read_text() == package.integrity:
            continue
        try:
            unpack(fetch(package), package.files, FOLDER)
        except (OSError, ValueError, KeyError, tarfile.TarError, subprocess.SubprocessError) as error:
            left.append(f"{package.name} {package.version}: {error}")
            continue
        stamp.write_text(package.integrity)
    for line in left:
        print(f"not fetched: {line}", file=sys.stderr)
    if left:
        print("without them: no viewer, no test with axe-core; try scripts/web.py again", file=sys.stderr)
    return 6 if left else 0


if __name__ == "__main__":
    sys.exit(main())
