"""An nnU-Net dataset as the dataset `folder` reads it."""

from pathlib import Path

from uad_bench import Case
from uad_bench.errors import DataError
from uad_datasets.folder import FolderAdapter


def read(root: Path, **options: object) -> list[Case | DataError]:
    """The cases and faults of a folder."""
    return list(FolderAdapter(nnunet=True, **options).discover(root))
