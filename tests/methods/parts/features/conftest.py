"""Networks without memory for their weights."""

import pytest
import torch


@pytest.fixture
def meta():
    """Modules that are made have shapes and no values."""
    with torch.device("meta"):
        yield
