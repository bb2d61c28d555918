"""The hostile files of the readers' tests are sent through the pipe too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "checkpoints"))
