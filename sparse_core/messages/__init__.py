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

from sparse_core.messages.calls import (
    Answer,
    Call,
    Reply,
    Request,
)
from sparse_core.messages.checkpoint import (
    CheckpointSummary,
    Container,
    FileId,
    ScanOptions,
)
from sparse_core.messages.frames import JOINED_BYTES, FrameReader, encode_frames
from sparse_core.messages.replies import (
    Cell,
    Done,
    Failed,
    FileChanged,
    Layer,
    LayerColumns,
    Opened,
    Picture,
    Progress,
    Scanned,
    Stopped,
    TensorColumns,
    Tile,
    Values,
    Welcome,
)
from sparse_core.messages.requests import (
    Cancel,
    CellWanted,
    CloseCheckpoint,
    Credit,
    Hello,
    LayerWanted,
    LookFirst,
    OpenCheckpoint,
    PictureWanted,
    ScanCheckpoint,
    TileKey,
    TilesWanted,
    ValuesWanted,
    WatchFiles,
)
from sparse_core.messages.scan import (
    Eligibility,
    LayerReport,
    Phrase,
    Verdict,
)
from sparse_core.messages.violations import (
    Loupe,
    LoupeWanted,
    NextViolation,
    RepairPreview,
    RepairWanted,
    UnsteadyWanted,
    Violations,
    ViolationsWanted,
)
from sparse_core.messages.vocabulary import (
    CREDITS,
    FRAME_BYTES,
    PLANES,
    PROTOCOL,
    ROWS_A_FRAME,
    TILE,
    Class,
    Light,
    Message,
    Plane,
    Rule,
)

__all__ = [
    "CREDITS",
    "FRAME_BYTES",
    "JOINED_BYTES",
    "PLANES",
    "PROTOCOL",
    "ROWS_A_FRAME",
    "TILE",
    "Answer",
    "Call",
    "Cancel",
    "Cell",
    "CellWanted",
    "CheckpointSummary",
    "Class",
    "CloseCheckpoint",
    "Container",
    "Credit",
    "Done",
    "Eligibility",
    "Failed",
    "FileChanged",
    "FileId",
    "FrameReader",
    "Hello",
    "Layer",
    "LayerColumns",
    "LayerReport",
    "LayerWanted",
    "Light",
    "LookFirst",
    "Loupe",
    "LoupeWanted",
    "Message",
    "NextViolation",
    "OpenCheckpoint",
    "Opened",
    "Phrase",
    "Picture",
    "PictureWanted",
    "Plane",
    "Progress",
    "RepairPreview",
    "RepairWanted",
    "Reply",
    "Request",
    "Rule",
    "ScanCheckpoint",
    "ScanOptions",
    "Scanned",
    "Stopped",
    "TensorColumns",
    "Tile",
    "TileKey",
    "TilesWanted",
    "UnsteadyWanted",
    "Values",
    "ValuesWanted",
    "Verdict",
    "Violations",
    "ViolationsWanted",
    "WatchFiles",
    "Welcome",
    "encode_frames",
]
