"""Pictures as PNG, in the twenty lines that a palette needs."""

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE_OF_BYTES = (8, 3, 0, 0, 0)
"""Eight bits a pixel, a palette, and the only methods there are."""


def veil(plane: Bytes, colour: str) -> bytes:
    """Write a picture of one colour that is the more opaque, the larger the byte.

    What lies behind shows through where a byte is small, so one picture serves a light and a dark
    page.

    Parameters
    ----------
    plane : ndarray of uint8, ``(height, width)``
    colour : str
        ``#rrggbb``.
    """
    height, width = plane.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), plane], axis=1)
    chunks = (
        (b"IHDR", struct.pack(">2I5B", width, height, *_PALETTE_OF_BYTES)),
        (b"PLTE", bytes.fromhex(colour[1:]) * 256),
        (b"tRNS", bytes(range(256))),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def data_uri(png: bytes) -> str:
    """Write a picture so that it can stand in a page."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
