"""Asking for violations, and what is said of a group."""

from sparse_core.messages.checkpoint import FileId, ScanOptions
from sparse_core.messages.vocabulary import Message


class ViolationsWanted(Message, frozen=True):
    """Bad groups ``first`` ... ``first + count`` - 1 of a tensor: one ``Violations``.

    Newest wins per ``view``.
    """

    view: int
    file: FileId
    options: ScanOptions
    tensor: str
    first: int = 0
    count: int = 200


class NextViolation(Message, frozen=True):
    """The bad group that follows (``step`` 1) or precedes (-1) a place: one ``Violations``.

    ``row`` and ``column`` are a place on the picture of ``tensor``; -1, -1 stands before its first
    weight. An empty answer says that there is none in that direction in this tensor.
    """

    view: int
    file: FileId
    options: ScanOptions
    tensor: str
    row: int
    column: int
    step: int = 1


class LoupeWanted(Message, frozen=True):
    """The group at a place of the picture: one ``Loupe``. Newest wins per ``view``."""

    view: int
    file: FileId
    options: ScanOptions
    tensor: str
    row: int
    column: int


class UnsteadyWanted(Message, frozen=True):
    """Groups whose mask a relative ``noise`` of the weights could change: one ``Violations``."""

    view: int
    file: FileId
    options: ScanOptions
    tensor: str
    noise: float = 0.01
    count: int = 200


class RepairWanted(Message, frozen=True):
    """What a repair to ``pattern`` would change in these tensors: ``RepairPreview`` for each."""

    file: FileId
    options: ScanOptions
    pattern: str
    axis: str
    tensors: tuple[str, ...]


class Violations(Message, frozen=True):
    """Some groups of a tensor, as columns.

    ``ordinal`` is the place of the first one among all ``total``. ``rows`` and ``columns`` (int64)
    are the picture positions of each group's first weight, ``kept`` (int32) its kept weights.
    ``texts`` name it as an index range and say what a repair drops.
    """

    view: int
    tensor: str
    ordinal: int
    total: int
    rows: bytes
    columns: bytes
    kept: bytes
    places: tuple[str, ...]
    texts: tuple[str, ...]


class Loupe(Message, frozen=True):
    """A group, weight by weight.

    Attributes
    ----------
    place : str
        The index range of the group: ``fc1[117, 332:336]``.
    values : tuple of float
        The weights, in the order of the axis.
    positions : tuple of (row, column)
        Where they are on the picture.
    kept : tuple of bool
        The mask as it is.
    correct : tuple of bool
        The mask that keeps the N largest.
    ranks : tuple of int
        1 = largest magnitude; of equals the later index ranks higher.
    tied : tuple of bool
        Whether another weight of the group has the same magnitude.
    margin : float or None
        How far the smallest that stays is above the largest that goes, relative to the former;
        None where nothing goes.
    sentence : str
        What a correct mask would do.
    """

    view: int
    tensor: str
    pattern: str
    axis: str
    place: str
    values: tuple[float, ...]
    positions: tuple[tuple[int, int], ...]
    kept: tuple[bool, ...]
    correct: tuple[bool, ...]
    ranks: tuple[int, ...]
    tied: tuple[bool, ...]
    margin: float | None
    sentence: str


class RepairPreview(Message, frozen=True):
    """What a repair would change in one tensor.

    ``weights`` would become zero; ``norm_share`` is the norm of what they hold over ``norm``, that
    of the tensor.
    """

    tensor: str
    groups: int
    weights: int
    norm_share: float
    norm: float = 0.0


class RepairTo(Message, frozen=True):
    """Write a copy to ``out`` in which these tensors keep ``pattern``; no tensors: all meant to.

    ``Progress`` as it goes, then ``Repaired``. Nothing is ever overwritten; a stopped or failed
    job leaves nothing behind.
    """

    file: FileId
    options: ScanOptions
    pattern: str
    out: str
    tensors: tuple[str, ...] = ()


class Repaired(Message, frozen=True):
    """A repaired copy was written: where, and how much of it is other than before."""

    out: str
    tensors: int
    groups: int
    weights: int
    bytes: int
