"""A dataset in one file: DIR/healthy/ID_t2.nii.gz, DIR/lesions/ID_t2.nii.gz and DIR/lesions/ID_mask.nii.gz."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError


@dataclass
class TwoFolders(DatasetAdapter):
    """T2 scans without skull, healthy subjects and subjects with lesions in one folder each."""

    name = "two-folders"
    modalities = ("t2",)

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case for each T2 scan; a scan without its lesion mask is reported as an error."""
        scans = sorted(root.glob("healthy/*_t2.nii.gz")) + sorted(root.glob("lesions/*_t2.nii.gz"))
        if not scans:
            raise DataError(
                "no case found", where=str(root), hint="expected healthy/ID_t2.nii.gz", code="UB334"
            )
        for scan in scans:
            case_id = scan.name.removesuffix("_t2.nii.gz")
            healthy = scan.parent.name == "healthy"
            mask = None if healthy else scan.with_name(f"{case_id}_mask.nii.gz")
            if mask and not mask.exists():
                yield DataError("no lesion mask", where=case_id, hint=f"expected {mask}", code="UB333")
            else:
                yield Case(self.name, case_id, case_id, {"t2": scan}, healthy, mask, stripped=True)
