"""What about a run its user should know at once: said once for each kind."""

import msgspec

from sparse_core.messages.runs import AlertKind
from sparse_core.runs.job_state import Standing
from sparse_core.runs.ledger import Ledger

SILENT_S = 15.0
STILL_MASKS = 5
"""Masks in a row without a change that count as frozen."""
MOVED_MASKS = 3
"""As many must have moved before, or they were never meant to."""
LEAST_FREE_BYTES = 1 << 30
LEAST_FREE_SHARE = 0.02


class Sight(msgspec.Struct, frozen=True):
    """What is seen of a run at one moment.

    Attributes
    ----------
    standing : Standing
    silent_s : float
        Since the last event.
    slow_s : float
        How long a step takes at least, on the user's own wish.
    free_bytes, total_bytes : int
        Of the disk that it writes to, -1 unknown.
    """

    standing: Standing
    silent_s: float = 0.0
    slow_s: float = 0.0
    free_bytes: int = -1
    total_bytes: int = -1


def alerts_of(ledger: Ledger, sight: Sight) -> dict[AlertKind, str]:
    """Give what is wrong now, a sentence each."""
    found: dict[AlertKind, str] = {}
    standing = sight.standing
    if ledger.not_a_number or (ledger.failed and ledger.failed.sentence.startswith("The loss is")):
        found["nan"] = f"The loss is no number at step {ledger.step}: try a smaller learning rate."
    if standing.state == "died":
        found["died"] = f"The run ended without a word at step {max(ledger.step, 0)}; resume it."
    if standing.state == "gone":
        found["gone"] = "The run's folder is gone."
    if not standing.alive:
        return found
    asked = bool(ledger.knobs.get("freeze"))
    if ledger.still >= STILL_MASKS and ledger.moved >= MOVED_MASKS and not asked:
        since = max(layer.since for layer in ledger.layers.values())
        found["frozen"] = f"The masks of all layers have not changed since step {since}."
    waiting = standing.state in ("paused", "starting") and ledger.step >= 0
    if sight.silent_s > max(SILENT_S, 2 * sight.slow_s) and not waiting:
        found["silent"] = (
            f"The run has said nothing for {SILENT_S:.0f} s; its process "
            f"({standing.process.pid}) is alive: a long step, or it hangs."
        )
    least = min(LEAST_FREE_BYTES, LEAST_FREE_SHARE * sight.total_bytes)
    if 0 <= sight.free_bytes < least:
        found["disk"] = (
            f"The disk of the run is nearly full: {sight.free_bytes / 1e6:,.0f} MB are free."
        )
    return found
