"""Bundles between this machine and elsewhere: `push` and `pull`."""

import tempfile
from pathlib import Path

from uad_bench.errors import UsageError
from uad_bench.support.atomic_files import require_writable, write_bytes
from uad_bench.weights.bundle import Bundle, aside_of, is_bundle, open_bundle, settle, take_file
from uad_bench.weights.card import Said
from uad_bench.weights.manifest import MANIFEST, MANIFEST_BYTES, changed, read_manifest, small_file
from uad_bench.weights.pack import pack
from uad_bench.weights.sources import Source, hub, resolve
from uad_bench.weights.store import Reference, find, is_reference, reference, stored_bundle


def push(what: str, to: str, said: Said, store: Path, *, public: bool = False) -> tuple[Bundle, bool]:
    """Write the bundle of a run, or a bundle of this machine, to a folder or to hf://ORG/NAME.

    Returns the bundle, and whether it is new there. Raises as `pack`, `Bundle.verify` and `Hub.publish`.
    """
    if not to.startswith("hf://"):
        target = Path(to).expanduser()
        require_writable(target, hint="name another folder with --to")
        before = {path for path in target.glob("*/*") if path.is_dir()}
        bundle = _in_folder(what, said, target, store)
        return bundle, bundle.folder not in {path.resolve() for path in before}
    place = hub(to)
    with tempfile.TemporaryDirectory(prefix="uad-bench-") as folder:
        bundle = _in_folder(what, said, Path(folder).resolve(), store)
        return bundle, place.publish(bundle, public=public)


def _in_folder(what: str, said: Said, target: Path, store: Path) -> Bundle:
    """The bundle of a run, or a copy of a bundle, in a folder of bundles."""
    path = Path(what)
    if not path.exists() and is_reference(what):
        return _copied(stored_bundle(reference(what), store), said, target)
    return _copied(open_bundle(path), said, target) if is_bundle(path) else pack(path, said, target)


def _copied(bundle: Bundle, said: Said, target: Path) -> Bundle:
    if said != Said():
        what = "a bundle cannot be given another name, license or terms: they are part of its digest"
        raise UsageError(what, where=bundle.label, hint="push the run again")
    with aside_of(target, bundle.manifest.name) as aside:
        bundle.copy_to(aside)
        return settle(aside, bundle.digest)


def pull(wanted: Reference, place: Source, where: str, store: Path) -> tuple[Bundle, bool]:
    """The bundle on this machine, copied from a source unless it is there; and whether it is new.

    Nothing is parsed before its digest was compared; nothing stays of a bundle that is refused. Raises DataError where
    the source has no such bundle (UB345), IntegrityError for other bytes than the digest fixes (UB510, UB511, UB501),
    EnvironmentFault where the network is not reached (UB611) or the disk cannot be written.
    """
    there = find(wanted, store)
    if there is not None:
        there.verify()
        return there, False
    one = resolve(wanted, place, where)
    require_writable(store, hint="set UAD_BENCH_WEIGHTS to another folder")
    label = f"{one.name}@{one.digest[:12]}, {where}"
    with aside_of(store, one.name) as aside:
        data = small_file(place.file(one, MANIFEST, MANIFEST_BYTES).resolve(), MANIFEST_BYTES, label)
        manifest = read_manifest(data, one.digest, label)
        if manifest.name != one.name:
            changed(f"the manifest is that of {manifest.name}", label)
        for name, listed in manifest.files.items():
            take_file(place.file(one, name, listed.size), aside / name, listed, label)
        write_bytes(aside / MANIFEST, data)
        return settle(aside, one.digest), True
