"""What the core answers."""

from sparse_core.messages.checkpoint import CheckpointSummary, FileId
from sparse_core.messages.requests import TileKey
from sparse_core.messages.scan import LayerReport
from sparse_core.messages.vocabulary import AnyPlane, Message

Column = bytes
"""Numbers of one kind, little-endian, one a row."""


class Welcome(Message, frozen=True):
    """The core's first message: versions and what it runs on."""

    protocol: int
    program: str
    native: str
    threads: int
    pid: int
    host: str
    python: str
    home: str


class Opened(Message, frozen=True):
    """A listed checkpoint; ``file`` carries the stamp that later requests name."""

    file: FileId
    summary: CheckpointSummary


class TensorColumns(Message, frozen=True):
    """Rows ``first`` ... of the listing, as columns.

    ``elements`` and ``bytes`` are int64; ``prunable`` and ``known`` uint8 (0 or 1).
    """

    first: int
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    dtypes: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    elements: Column
    bytes: Column
    prunable: Column
    known: Column


class LayerColumns(Message, frozen=True):
    """Scanned rows, as columns.

    ``rows`` (int32) are indices of the listing. ``zeros``, ``bad_groups``, ``groups`` and
    ``surplus`` are int64, -1 where None. ``patterns`` and ``axes`` say what a row has, else what
    it is meant to have; ``classes`` tells which. ``lights`` holds four bytes a row in the order
    zeros, pattern, packed, eligible: 0 absent, 1 yes, 2 no, 3 violated. ``own`` (uint8) is 1 where
    a row has its pattern or was given it, 0 where it is only meant to have it.
    """

    rows: bytes
    zeros: bytes
    groups: bytes
    bad_groups: bytes
    surplus: bytes
    patterns: tuple[str, ...]
    axes: tuple[str, ...]
    classes: tuple[str, ...]
    rules: tuple[str, ...]
    errors: tuple[str, ...]
    lights: bytes
    own: bytes = b""


class Layer(Message, frozen=True):
    """Everything known of one tensor."""

    report: LayerReport


class Progress(Message, frozen=True):
    """How far a long call is; ``seconds_left`` is None while it cannot be said."""

    done: int
    total: int
    unit: str
    seconds_left: float | None
    doing: str = ""


class Scanned(Message, frozen=True):
    """The end of a scan. Seconds from opening the file to the last tensor's result."""

    read_bytes: int
    seconds: float
    native: bool
    cached: bool


class Picture(Message, frozen=True):
    """The picture of a tensor.

    ``rows`` x ``columns`` weights; levels 0 ... ``row_levels`` - 1 and 0 ... ``column_levels`` - 1
    exist. ``row_label`` and ``column_label`` name what runs along the sides. ``scale`` is the
    |w| that byte 255 of the magnitude plane and bytes 255 and 1 of the value plane stand for.
    ``group_rows`` x ``group_columns`` is the size of a group of the judged pattern on the picture
    (1 x 4 for 2:4 along ``in`` of a linear layer; 0 x 0 where there is no pattern or its groups
    are not contiguous there).
    """

    view: int
    tensor: str
    rows: int
    columns: int
    row_levels: int
    column_levels: int
    row_label: str
    column_label: str
    scale: float
    pattern: str | None
    axis: str | None
    group_rows: int
    group_columns: int


class Tile(Message, frozen=True):
    """One tile: ``height`` x ``width`` bytes, row by row, zlib-packed where ``packed``.

    Density: round(255 * share of kept weights). Mask: 255 any kept, 0 none. Violation: 0 none, else
    the worst surplus of a group that touches the cell, 55 + 200 * surplus / (m - n). Magnitude:
    round(255 * largest |w| / scale), NaN and Inf 255. Value: 128 + 127 * (the value of largest
    |w|) / scale, at least 1; 0 stands for NaN or Inf.
    """

    view: int
    tensor: str
    plane: AnyPlane
    key: TileKey
    height: int
    width: int
    packed: bool
    data: bytes


class Cell(Message, frozen=True):
    """A weight and its group.

    ``index`` is the position in the tensor, ``value`` the exact value (None where the format has
    no number), ``kept`` its mask bit. ``group`` holds the values of its N:M group, ``group_kept``
    their mask bits, ``group_first`` the picture position of the first; empty without a pattern.
    ``text`` is the line under the map.
    """

    view: int
    tensor: str
    row: int
    column: int
    index: tuple[int, ...]
    value: float | None
    kept: bool
    group: tuple[float, ...] = ()
    group_kept: tuple[bool, ...] = ()
    group_first: tuple[int, int] = (0, 0)
    text: str = ""


class Values(Message, frozen=True):
    """Histogram of the finite non-zero values; ``edges`` float64 (bins + 1), ``counts`` int64."""

    view: int
    tensor: str
    edges: bytes
    counts: bytes
    zeros: int
    nan: int
    inf: int


class FileChanged(Message, frozen=True):
    """A watched file is no longer what it was: replaced, grown, or gone."""

    file: FileId
    gone: bool


class Done(Message, frozen=True):
    """The call is complete."""


class Failed(Message, frozen=True):
    """The call cannot be done: a sentence for the user; ``trace`` only for a bug."""

    sentence: str
    kind: str
    trace: str = ""


class Stopped(Message, frozen=True):
    """The call was cancelled, or a newer one of its view took its place."""
