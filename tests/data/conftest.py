"""Empty files that stand for scans."""

import pytest


@pytest.fixture
def touch(tmp_path):
    """touch(names ...) -> the paths, made below a folder."""

    def make(*names):
        paths = [tmp_path / "in" / name for name in names]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return paths

    return make
