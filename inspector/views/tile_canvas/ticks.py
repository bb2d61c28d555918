"""Where the row and column numbers stand."""

import msgspec

from inspector.views.tile_canvas.span import Span

_CENTRED_CELL = 8
"""Device pixels from which a number names a weight and stands at its middle, not at its edge."""


class Tick(msgspec.Struct, frozen=True):
    """A number at a device pixel of the view."""

    weight: int
    pixel: int


def ticks(span: Span, room: int) -> tuple[Tick, ...]:
    """Return numbers at multiples of a power of two, at least ``room`` device pixels apart.

    While numbers name edges, the end of the picture has one too.
    """
    if span.count == 0 or span.stop <= span.start:
        return ()
    power = span.level
    while (span.cell << power >> span.level) < room:
        power += 1
    step = 1 << power
    centred = span.cell >= _CENTRED_CELL
    shift = span.cell // 2 if centred else 0
    first = -(-(span.visible()[0] << span.level) // step) * step
    found: list[Tick] = []
    for weight in range(first, span.count, step):
        pixel = span.pixel_of_weight(weight) + shift
        if pixel > span.stop:
            break
        if pixel >= span.start:
            found.append(Tick(weight, pixel))
    end = span.length - span.origin
    if not centred and end <= span.stop:
        while found and end - found[-1].pixel < room // 2 and found[-1].weight:
            found.pop()
        found.append(Tick(span.count, end))
    return tuple(found)
