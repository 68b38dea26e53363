"""The DatasetAdapter contract: from a folder on disk to cases."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from uad_bench.errors import DataError
from uad_bench.types import Case


class DatasetAdapter:
    """Pairs the files of one dataset. Derive, make it a dataclass if it has options, write `discover`.

    An adapter says which files belong to which case and which cases are healthy. It loads no voxels,
    downloads nothing and splits nothing. Fields of the dataclass are its options (`--set datasets.NAME.KEY`).
    """

    name: ClassVar[str]
    modalities: ClassVar[tuple[str, ...]]
    #: What a person should know before using the data: where it is requested, and its licence.
    about: ClassVar[str] = ""

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """Yield every case under `root`, in the order of `case_id`.

        A case that cannot be paired (two files for one thing, no lesion mask in a set of lesions) is yielded
        too, as the DataError that says so, with the case in `where` and what to do in `hint`: one report then
        names everything that is wrong. Who asked decides whether to go on without it.

        Raises DataError (UB334), naming folder and expected layout, where `root` holds no case at all.
        """
        raise NotImplementedError

    def default_root(self) -> Path | None:
        """Where the data is when the user names no root; None: the user must say (`--data name=path`).

        A dataset that makes its own data makes it here, once, and returns the folder.
        """
        return None
