"""Folders of a user: named by a variable of the environment, or at the place that the system has for them."""

import os
from collections.abc import Callable
from pathlib import Path

from uad_bench.errors import EnvironmentFault


def user_folder(variable: str, fallback: Callable[[], Path], noun: str) -> Path:
    """The folder that $variable names ("~" is the home folder), or else the fallback.

    noun: what the folder is for, in the error. Raises EnvironmentFault for a user without a home folder.
    """
    named = os.environ.get(variable)
    try:
        folder = Path(named).expanduser() if named else fallback()
    except (RuntimeError, KeyError):
        folder = Path("~")
    if folder.parts[:1] == ("~",) or not (named or folder.is_absolute()):
        hint = f"set {variable} to a folder, or HOME"
        raise EnvironmentFault(f"this user has no home folder for {noun}", hint=hint)
    return folder
