"""What is asked and answered about two checkpoints side by side, A and B."""

from sparse_core.messages.checkpoint import FileId, ScanOptions
from sparse_core.messages.requests import TileKey
from sparse_core.messages.timeline import TimelineOptions
from sparse_core.messages.vocabulary import ChangePlane, Message


class CompareWanted(Message, frozen=True):
    """Compare two checkpoints: ``Progress``, ``Compared`` ..., ``Done``."""

    a: FileId
    b: FileId
    options: TimelineOptions = TimelineOptions()


class DifferenceTilesWanted(Message, frozen=True):
    """Tiles of what differs between the masks of a layer, nearest first: ``Tile`` each, ``Done``.

    ``flips``: kept in one only. ``born``: kept in B only. ``died``: kept in A only. A byte is
    round(255 * share of such weights), at least 1 where there is any. Each new set of a view
    replaces its last.
    """

    view: int
    a: FileId
    b: FileId
    options: ScanOptions
    layer: str
    plane: ChangePlane
    tiles: tuple[TileKey, ...]


class NextDifference(Message, frozen=True):
    """The flip after a place of the picture (``step`` 1) or before it (-1): one ``Difference``.

    A row of -1 stands for the place before the first weight. Newest wins per ``view``.
    """

    view: int
    a: FileId
    b: FileId
    options: ScanOptions
    layer: str
    row: int
    column: int
    step: int


class Difference(Message, frozen=True):
    """Where a weight differs: its place in the picture, and which of how many it is, from 0.

    A row of -1 says that there is none.
    """

    view: int
    layer: str
    row: int
    column: int
    number: int
    total: int


class Compared(Message, frozen=True):
    """Layers of two checkpoints side by side, as columns; the last row of the last is the total.

    ``names`` are "" for the total. int64, -1 where there is none: ``entries``, ``births``,
    ``deaths``, ``new_violations``, ``healed_violations``. float64, NaN where there is none:
    ``jaccard``, ``norm_change``, ``cosine``.
    """

    names: tuple[str, ...]
    patterns: tuple[str, ...]
    notes: tuple[str, ...]
    entries: bytes
    births: bytes
    deaths: bytes
    new_violations: bytes
    healed_violations: bytes
    jaccard: bytes
    norm_change: bytes
    cosine: bytes
