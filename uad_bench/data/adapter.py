"""The contract of a dataset plug-in: from a folder on disk to cases."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from uad_bench.errors import DataError
from uad_bench.types import Case


class DatasetAdapter:
    """Finds the cases of one dataset. Derive a class, make it a dataclass if it has options, and write `discover`.

    An adapter determines which files belong to which case and which cases are healthy. It reads no voxels, downloads
    nothing and assigns no roles. The fields of the dataclass are the options of the dataset (`--set NAME.KEY=VALUE`).

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Study(DatasetAdapter):
    ...     name: ClassVar[str] = "study"
    ...     modalities: ClassVar[tuple[str, ...]] = ("t2",)
    ...
    ...     def discover(self, root: Path) -> Iterator[Case | DataError]:
    ...         for path in sorted(root.glob("*_t2.nii.gz")):
    ...             case_id = path.name.removesuffix("_t2.nii.gz")
    ...             yield Case("study", case_id, case_id, {"t2": path}, healthy=True)
    >>> list(Study().discover(Path("no-such-folder")))
    []
    """

    name: ClassVar[str]
    modalities: ClassVar[tuple[str, ...]]
    #: Where the data is requested, its licence, its paper: shown by `uad-bench show` and where no folder is known.
    about: ClassVar[str] = ""
    #: The people who were scanned, as one word: in datasets with the same word, one subject id is one person (L6).
    people: ClassVar[str] = ""
    #: Names of datasets that may show the same people under ids that cannot be compared: a warning of the audit.
    may_share: ClassVar[tuple[str, ...]] = ()

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """Yield every case under `root`, ordered by `case_id`.

        A case that cannot be paired (two files for one image, no lesion mask in a lesion set) is yielded as a
        DataError, with the case in `where` and the remedy in `hint`, so that one report names all problems. The
        caller decides whether to continue without it.

        Raises DataError (UB334) with the folder and the expected layout where `root` contains no case.
        """
        raise NotImplementedError

    def default_root(self) -> Path | None:
        """The folder of the data where the user names none; None: the user must name it (`--data NAME=FOLDER`).

        A synthetic dataset generates its data here, once, and returns the folder.
        """
        return None

    def person_of(self, case: Case) -> str:
        """A key of the person that is the same in every dataset that shows this person; "" where none is known.

        The audit stops a run in which two datasets have one key.
        """
        return f"{self.people}/{case.subject_id}" if self.people else ""
