"""Colour maps as tables of 256 colours.

Plain Python: a table is made once per theme and plane, and the first paint must not wait for an
array library.
"""

from functools import cache

Table = tuple[int, ...]
"""256 colours as 0xffrrggbb: the colour table of an 8-bit image."""

Rgb = tuple[float, float, float]

_CIVIDIS = (
    "#00224e",
    "#123570",
    "#3b496c",
    "#575d6d",
    "#707173",
    "#8a8678",
    "#a59c74",
    "#c3b369",
    "#e1cc55",
    "#fdea45",
)
"""Ten anchors of cividis: even in lightness and the same for red-green blind eyes."""


def rgb(name: str) -> Rgb:
    """Split ``#rrggbb`` into its three parts in 0 ... 255."""
    return int(name[1:3], 16), int(name[3:5], 16), int(name[5:7], 16)


def pack(colour: Rgb) -> int:
    """Join three parts to an opaque 0xffrrggbb."""
    red, green, blue = (round(part) for part in colour)
    return 0xFF000000 | red << 16 | green << 8 | blue


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """Return the colour ``share`` of the way from the first to the second."""
    return (
        first[0] + (second[0] - first[0]) * share,
        first[1] + (second[1] - first[1]) * share,
        first[2] + (second[2] - first[2]) * share,
    )


@cache
def cividis() -> Table:
    """Return cividis: dark blue for byte 0, yellow for 255."""
    anchors = [rgb(name) for name in _CIVIDIS]
    steps = len(anchors) - 1

    def colour(byte: int) -> int:
        place = byte / 255 * steps
        first = min(int(place), steps - 1)
        return pack(mix(anchors[first], anchors[first + 1], place - first))

    return tuple(colour(byte) for byte in range(256))


@cache
def ramp(low: str, high: str, jump: float = 0.0) -> Table:
    """Return a single hue from ``low`` (byte 0) to ``high`` (byte 255).

    ``jump`` is where byte 1 already stands: the faintest non-zero must not drown in the ground.
    """
    ends = rgb(low), rgb(high)
    rest = (pack(mix(*ends, jump + (1 - jump) * byte / 255)) for byte in range(1, 256))
    return pack(ends[0]), *rest


@cache
def two_colours(off: str, on: str) -> Table:
    """Return ``off`` for byte 0 and ``on`` for every other."""
    return (pack(rgb(off)), *(pack(rgb(on)),) * 255)


@cache
def diverging(low: str, middle: str, high: str, missing: str) -> Table:
    """Return ``low`` for byte 1, ``middle`` for 128, ``high`` for 255, ``missing`` for 0."""
    ends = rgb(low), rgb(middle), rgb(high)

    def colour(byte: int) -> int:
        share = (byte - 128) / 127
        return pack(mix(ends[1], ends[2] if share > 0 else ends[0], abs(share)))

    return (pack(rgb(missing)), *(colour(byte) for byte in range(1, 256)))
