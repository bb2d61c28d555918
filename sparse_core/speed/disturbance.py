"""Whether other processes used the processor while something was timed (Linux)."""

import os
import resource
from pathlib import Path

import msgspec

TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Usage(msgspec.Struct, frozen=True):
    """Processor seconds used so far: by everybody, and by this process."""

    everybody: float
    ours: float


def usage() -> Usage | None:
    """Read the counters; None where the system has none."""
    try:
        words = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    except OSError:
        return None
    user, nice, system, _, _, irq, softirq, *_ = (int(word) / TICK for word in words[1:])
    own = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(user + nice + system + irq + softirq, own.ru_utime + own.ru_stime)


def share_of_others(before: Usage | None, after: Usage | None, seconds: float) -> float:
    """Give the cores that other processes kept busy in between, e.g. 0.5 = half a core."""
    if before is None or after is None or seconds <= 0:
        return 0.0
    others = (after.everybody - before.everybody) - (after.ours - before.ours)
    return max(0.0, others / seconds)
