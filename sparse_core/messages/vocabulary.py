"""Numbers and words that all messages share."""

from typing import Literal, get_args

import msgspec

PROTOCOL = 1
"""Raised when a message changes in a way that an older side cannot read."""

ROWS_A_FRAME = 5000
FRAME_BYTES = 1 << 20
CREDITS = 64
"""Bulk frames that the core may send before the window has digested any."""
TILE = 512
"""Cells along each side of a tile."""

Rule = Literal["auto", "zeros", "stored", "projected"]
Class = Literal["sparse", "broken", "unstructured", "dense", "other"]
Light = Literal["yes", "no", "violated", "absent"]
Plane = Literal["density", "violation", "mask", "magnitude", "value"]
PLANES: tuple[Plane, ...] = get_args(Plane)
SeriesPlane = Literal["flips", "last change"]
ChangePlane = Literal["flips", "born", "died"]
AnyPlane = Plane | SeriesPlane | ChangePlane
"""What a heat map can show: of a checkpoint, of a series of them, of two side by side."""


class Message(msgspec.Struct, frozen=True, tag=True):
    """A value on the pipe: immutable, named and typed."""
