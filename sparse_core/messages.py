"""Every value that crosses the pipe between the window and the core.

The window sends a ``Call``: a number and a request. The core answers with any number of
``Answer`` values that carry the same number; the last one has ``last=True`` and holds ``Done``,
``Failed`` or ``Stopped`` (or the one reply of a question). Number 0 is for news that nobody
asked for. Requests name a file by its identity and a tensor by its name, never by a handle:
after a restart of the core the window simply asks again.

Tables cross as columns, at most ``ROWS_A_FRAME`` rows a message; a column of numbers is bytes
(little-endian int64, int32, float64 or uint8 as its docstring says), because decoding 92,000
row objects would stall the window for 100 ms.
"""

from typing import Literal

import msgspec

PROTOCOL = 1
"""Raised when a message changes in a way that an older side cannot read."""

ROWS_A_FRAME = 5000
FRAME_BYTES = 1 << 20
TILE = 512
"""Cells along each side of a tile."""

Rule = Literal["auto", "zeros", "stored", "projected"]
Class = Literal["sparse", "broken", "unstructured", "dense", "other"]
Light = Literal["yes", "no", "violated", "absent"]
Plane = Literal["density", "violation", "mask", "magnitude", "value"]
PLANES: tuple[Plane, ...] = ("density", "violation", "mask", "magnitude", "value")


class Message(msgspec.Struct, frozen=True, tag=True):
    """A value on the pipe: immutable, named and typed."""


# ---------------------------------------------------------------- what is asked about


class FileId(msgspec.Struct, frozen=True):
    """A checkpoint as the core sees it.

    Attributes
    ----------
    path : str
        Absolute path on the core's machine.
    container : str
        Which model of a nested file; "" is the largest, "all" every one with its prefix.
    stamp : str
        Hash of size, mtime and inode of every file behind it; "" asks for whatever is there now.
    """

    path: str
    container: str = ""
    stamp: str = ""


class ScanOptions(msgspec.Struct, frozen=True):
    """How masks are made and judged.

    Attributes
    ----------
    rule : str
        Where masks come from; ``auto`` chooses and says what it chose.
    pattern : str or None
        The N:M that every layer is judged against; None judges each by its own.
    axis : str
        Group axis of ``pattern``: ``in``, ``out`` or ``kernel``.
    threshold : float
        Non-zero weights with ``|w|`` below it count as near zeros.
    kinds, axes : tuple of (glob, value)
        Overrides by name, the first match wins. An axis is a group axis, or the number of the
        dimension that holds the inputs.
    cache : bool
        Whether results may be read from and written to the analysis cache.
    """

    rule: Rule = "auto"
    pattern: str | None = None
    axis: str = "in"
    threshold: float = 0.0
    kinds: tuple[tuple[str, str], ...] = ()
    axes: tuple[tuple[str, str], ...] = ()
    cache: bool = True


# ---------------------------------------------------------------- results: one checkpoint


class Container(msgspec.Struct, frozen=True):
    """One model inside a file: key ("" at top level), tensor and element counts."""

    key: str
    tensors: int
    elements: int


class CheckpointSummary(msgspec.Struct, frozen=True):
    """What a file holds, known from its headers alone.

    ``tensors`` and ``elements`` are those of the chosen model as listed, ``unique_elements``
    counts tied storages once, ``other_tensors`` are masks, optimizer state and further models.
    ``notes`` are sentences for the user (tied weights, quantised words, hints).
    """

    path: str
    format: str
    writer: str
    containers: tuple[Container, ...]
    tensors: int
    elements: int
    unique_elements: int
    other_tensors: int
    bytes: int
    metadata: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


class Eligibility(msgspec.Struct, frozen=True):
    """Whether one 2:4 GPU kernel takes a weight of this shape and format, and if not, why."""

    kernel: str
    eligible: bool
    reason: str = ""


class LayerReport(msgspec.Struct, frozen=True, rename={"class_": "class"}):
    """What the scan knows of one tensor.

    ``zeros`` are the effective zeros under ``rule``; ``raw_zeros`` the exact zeros of the stored
    weight, ``mask_zeros`` those of a stored mask (None without one). ``pattern`` is the given one,
    else the recognised valid one, else None; ``bad_groups`` counts against the given pattern, else
    the meant one, else is None. ``min`` to ``std`` are over the finite values, None where there
    are none. Rows and columns are those of the GEMM view, None below two dimensions.

    ``meant`` and ``meant_by`` name the pattern the tensor is meant to have and how that is known
    (``given``, ``metadata``, ``siblings``, ``recognised``). ``energy_24`` is the share of w² that
    a 2:4 projection would keep, ``latent_24`` the ratio mean|pruned| / mean|kept| of that projection.
    ``surplus`` is the number of weights a repair would drop.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    elements: int
    rule: str
    zeros: int
    raw_zeros: int
    mask_zeros: int | None
    near_zeros: int
    nan: int
    inf: int
    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    pattern: str | None
    axis: str | None
    ambiguous: bool
    groups: int | None
    bad_groups: int | None
    zero_rows: int | None
    zero_columns: int | None
    class_: Class
    # What the window shows beyond the JSON line.
    kind_known: bool = False
    input_dim: int | None = None
    meant: str | None = None
    meant_axis: str | None = None
    meant_by: str = ""
    zero_filters: int | None = None
    zero_channels: int | None = None
    zero_kernels: int | None = None
    norm: float | None = None
    surplus: int | None = None
    energy_24: float | None = None
    latent_24: float | None = None
    packed_bytes: int | None = None
    eligible: tuple[Eligibility, ...] = ()
    stored_as: tuple[str, ...] = ()
    note: str = ""
    error: str = ""
    zeros_light: Light = "absent"
    pattern_light: Light = "absent"
    packed_light: Light = "absent"
    eligible_light: Light = "absent"


class Phrase(msgspec.Struct, frozen=True):
    """A piece of a sentence; where ``tensor`` is not empty it is a link to that layer."""

    text: str
    tensor: str = ""


class Verdict(Message, frozen=True):
    """The answer to "is it sparse, and in which pattern".

    ``headline`` is the sentence on top, ``detail`` the evidence with links, ``conditions`` the dim
    line (rule, axis, ...), ``mood`` one of ok, look, bad, none. ``text`` is headline and detail as
    one plain string. ``partial`` while layers are still missing.
    """

    text: str
    headline: str
    detail: tuple[Phrase, ...]
    conditions: str
    mood: Literal["ok", "look", "bad", "none"]
    prunable: int
    sparse: int
    broken: int
    unstructured: int
    dense: int
    partial: bool = False


# ---------------------------------------------------------------- requests


class Hello(Message, frozen=True):
    """First message of the window."""

    protocol: int
    program: str


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
    """The exact weight at ``row``, ``column`` of the picture: one ``Cell``. Newest wins per view."""

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


# ---------------------------------------------------------------- replies


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
    elements: bytes
    bytes: bytes
    prunable: bytes
    known: bytes


class LayerColumns(Message, frozen=True):
    """Scanned rows, as columns.

    ``rows`` (int32) are indices of the listing. ``zeros``, ``bad_groups``, ``groups`` and
    ``surplus`` are int64, -1 where None. ``lights`` holds four bytes a row in the order zeros,
    pattern, packed, eligible: 0 absent, 1 yes, 2 no, 3 violated.
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
    plane: Plane
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


# ---------------------------------------------------------------- envelopes

Request = (
    Hello
    | OpenCheckpoint
    | ScanCheckpoint
    | LookFirst
    | Cancel
    | CloseCheckpoint
    | LayerWanted
    | PictureWanted
    | TilesWanted
    | CellWanted
    | ValuesWanted
    | WatchFiles
    | Credit
)
Reply = (
    Welcome
    | Opened
    | TensorColumns
    | LayerColumns
    | Layer
    | Progress
    | Verdict
    | Scanned
    | Picture
    | Tile
    | Cell
    | Values
    | FileChanged
    | Done
    | Failed
    | Stopped
)


class Call(msgspec.Struct, frozen=True):
    """A request with its number."""

    id: int
    body: Request


class Answer(msgspec.Struct, frozen=True):
    """A reply to call ``id``; nothing follows after ``last``."""

    id: int
    body: Reply
    last: bool = False
