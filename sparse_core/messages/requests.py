"""What the window asks."""

import msgspec

from sparse_core.messages.checkpoint import FileId, ScanOptions
from sparse_core.messages.vocabulary import Message, Plane


class Hello(Message, frozen=True):
    """First message of the window; ``threads`` may scan, 0 for as many as the core thinks best."""

    protocol: int
    program: str
    threads: int = 0


class OpenCheckpoint(Message, frozen=True):
    """List a file: one ``Opened``, then ``TensorColumns``, then ``Done``."""

    file: FileId
    options: ScanOptions = ScanOptions()


class ScanCheckpoint(Message, frozen=True):
    """Scan a file: ``LayerColumns``, ``Verdict`` and ``Progress`` as they come, then ``Scanned``.

    ``first`` are rows (indices in the listing) to do before the others: what is visible.
    """

    file: FileId
    options: ScanOptions = ScanOptions()
    first: tuple[int, ...] = ()


class LookFirst(Message, frozen=True):
    """Do these rows of the running scan number ``scan`` next: the user scrolled."""

    scan: int
    rows: tuple[int, ...]


class Cancel(Message, frozen=True):
    """Stop the call number ``call``; its last answer is ``Stopped``."""

    call: int


class CloseCheckpoint(Message, frozen=True):
    """The window no longer shows this file; its mappings may be dropped."""

    file: FileId


class LayerWanted(Message, frozen=True):
    """The whole ``LayerReport`` of one tensor: one ``Layer``."""

    file: FileId
    options: ScanOptions
    tensor: str


class PictureWanted(Message, frozen=True):
    """How large the picture of a tensor is: one ``Picture``. Newest wins per ``view``."""

    view: int
    file: FileId
    options: ScanOptions
    tensor: str


class TileKey(msgspec.Struct, frozen=True):
    """A tile of 512 x 512 cells.

    A cell covers ``2**row_level`` x ``2**column_level`` weights; ``row`` and ``column`` count
    tiles, so its first weight is at ``row * 512 << row_level``.
    """

    row_level: int
    column_level: int
    row: int
    column: int


class TilesWanted(Message, frozen=True):
    """The tiles a view needs now, nearest first. Each new set of a view replaces its last."""

    view: int
    file: FileId
    options: ScanOptions
    tensor: str
    plane: Plane
    tiles: tuple[TileKey, ...]


class CellWanted(Message, frozen=True):
    """The exact weight at ``row``, ``column`` of the picture: one ``Cell``.

    Newest wins per ``view``.
    """

    view: int
    file: FileId
    options: ScanOptions
    tensor: str
    row: int
    column: int


class ValuesWanted(Message, frozen=True):
    """Histogram of a tensor: one ``Values``. Newest wins per ``view``."""

    view: int
    file: FileId
    options: ScanOptions
    tensor: str
    bins: int = 64


class WatchFiles(Message, frozen=True):
    """Tell me (``FileChanged``, number 0) when one of these is no longer what it was."""

    files: tuple[FileId, ...]


class Credit(Message, frozen=True):
    """The window has digested ``frames`` bulk frames and takes as many more."""

    frames: int
