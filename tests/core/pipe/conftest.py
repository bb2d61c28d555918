"""The pipe's tests borrow the readers' hostile files and the link's core with a gate."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path.extend([str(TESTS / "core" / "checkpoints"), str(TESTS / "gui")])
