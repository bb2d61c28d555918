"""What runs along the edges of a map: how much of each row and column is kept, or its norm."""

from typing import Literal

from sparse_core.messages.checkpoint import FileId, ScanOptions
from sparse_core.messages.vocabulary import Message

Measure = Literal["kept", "norm", "channel"]


class ProfileWanted(Message, frozen=True):
    """The edges of a picture, pooled to what a pixel stands for: one ``Profile``.

    ``rows`` and ``columns`` are (first, step, count): ``count`` bins of ``step`` rows from row
    ``first`` on. ``measure``: ``kept`` counts weights; ``norm`` takes norms of filters (rows) and
    of shapes (columns: the same weight of every filter); ``channel`` gives every column the norm of
    its input channel. Newest wins per ``view``.
    """

    view: int
    file: FileId
    options: ScanOptions
    tensor: str
    measure: Measure
    rows: tuple[int, int, int]
    columns: tuple[int, int, int]


class Profile(Message, frozen=True):
    """Sums over whole rows and columns of the tensor, float64, one a bin.

    ``kept``: how many weights of the bin are kept (exact), else the norm of the bin. ``whole_row``
    and ``whole_column`` are the weights of one row and of one column.
    """

    view: int
    tensor: str
    measure: Measure
    rows: bytes
    columns: bytes
    whole_row: int
    whole_column: int
