"""What the tests of training share."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

GOLDEN = Path(__file__).parents[2] / "golden.json"


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    """The expected numbers that were worked out apart from this program."""
    return json.loads(GOLDEN.read_text())


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
