"""What a tool found: rows of evaluate, sensitivity and curve, as they lie in its folder."""

import math
from pathlib import Path

import msgspec

from sparse_core.errors import PatternError
from sparse_core.patterns import NMPattern

ROWS = "rows.jsonl"
VALUE_BITS = 32


class Measurement(msgspec.Struct, frozen=True, rename={"type_": "type"}):
    """One row. What does not belong to its type keeps the default (docs/training.md)."""

    type_: str
    weights: str = ""
    layer: str = ""
    criterion: str = ""
    pattern: str = ""
    sparsity: float | None = None
    entries: int = -1
    kept: int = -1
    loss: float | None = None
    loss_sd: float | None = None
    metric: float | None = None
    metric_sd: float | None = None
    loss_increase: float | None = None
    metric_drop: float | None = None
    slack: float | None = None

    @property
    def dense_bytes(self) -> int:
        """Bytes of the layer as fp32, -1 where the row is about no layer."""
        return self.entries * VALUE_BITS // 8 if self.entries > 0 else -1

    @property
    def sparse_bytes(self) -> int:
        """Bytes of the kept values and of the smallest record of where they are."""
        if self.entries <= 0:
            return -1
        places = [self.entries]
        try:
            group = NMPattern.parse(self.pattern, "in").m if self.pattern else 0
        except PatternError:
            group = 0
        if group > 1:
            places.append(self.kept * math.ceil(math.log2(group)))
        return (self.kept * VALUE_BITS + min(places)) // 8


_decoder = msgspec.json.Decoder(Measurement)


def read_measurements(folder: Path) -> list[Measurement]:
    """Read what a tool found so far; lines that somebody printed in between are passed over."""
    try:
        lines = (folder / ROWS).read_bytes().split(b"\n")[:-1]
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            found.append(_decoder.decode(line))
        except msgspec.DecodeError:
            continue
    return found
