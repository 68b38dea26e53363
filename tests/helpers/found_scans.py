"""The cases that `predict` finds."""

from uad_bench.data.scan_files import find_scans


def found(paths, *wanted, **said):
    """The roles of the files of each case, by case id; `wanted`: the modalities of the model, t2 by default."""
    return {one.case_id: sorted(one.files) for one in find_scans(paths, wanted or ("t2",), **said)}
