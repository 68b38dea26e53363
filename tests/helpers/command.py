"""The command line as a user types it, in this process."""

import sys

import pytest

from uad_bench import cli


def call(monkeypatch, capsys, *words):
    """Exit code, stdout and stderr of a verb."""
    monkeypatch.setattr(sys, "argv", ["uad-bench", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    out, err = capsys.readouterr()
    return left.value.code, out, err
