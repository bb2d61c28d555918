"""A core whose scan waits at its fourth tensor until a file exists: a middle that can be met."""

import sys
from pathlib import Path

_SCRIPT = """
import os, sys, time
import sparse_core.analysis.scan as scan
measure, seen = scan.measure, []
def gated(*args):
    seen.append(1)
    while len(seen) > 3 and not os.path.exists({gate!r}):
        time.sleep(0.01)
    return measure(*args)
scan.measure = gated
from sparse_core.__main__ import main
sys.exit(main(["serve"]))
"""


def gated_core(gate: Path) -> list[str]:
    """Give the argument vector of a core that waits for ``gate``."""
    return [sys.executable, "-P", "-c", _SCRIPT.format(gate=str(gate))]
