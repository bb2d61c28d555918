"""One direction of the view: how weights along it become device pixels.

Everything is a whole number. A zoom *step* above zero magnifies a weight to ``CELLS[step]`` device
pixels; a step of ``-level`` draws one device pixel for ``2**level`` weights. So a cell is never
smaller than a pixel, never a fraction of one, and nothing is ever scaled down.
"""

import msgspec

CELLS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64)
"""Device pixels a weight at steps 0, 1, 2, ..."""

LARGEST_STEP = len(CELLS) - 1
LARGEST_FIT = CELLS.index(32)
"""A fit magnifies no further: a bias of ten weights needs no blocks of a hundred pixels."""


class Span(msgspec.Struct, frozen=True):
    """One direction of the view.

    Attributes
    ----------
    count : int
        Weights along it.
    levels : int
        Levels 0 ... ``levels - 1`` exist.
    extent : int
        Device pixels of the view.
    step : int
        Zoom step.
    origin : int
        The device pixel of the whole drawn picture that stands at the view's edge; negative where
        the picture is smaller than the view and stands in its middle.
    """

    count: int
    levels: int
    extent: int
    step: int = 0
    origin: int = 0

    @property
    def level(self) -> int:
        """A cell covers ``2**level`` weights."""
        return max(0, -self.step)

    @property
    def cell(self) -> int:
        """Device pixels of a cell, at least 1."""
        return CELLS[max(0, self.step)]

    @property
    def cells(self) -> int:
        """Cells along the whole picture; the last may cover fewer weights."""
        return cells_at(self.count, self.level)

    @property
    def length(self) -> int:
        """Device pixels of the whole picture at this zoom."""
        return self.cells * self.cell

    @property
    def start(self) -> int:
        """First device pixel of the view that shows the picture."""
        return max(0, -self.origin)

    @property
    def stop(self) -> int:
        """Where the picture ends in the view, exclusive, in device pixels."""
        return min(self.extent, self.length - self.origin)

    def visible(self) -> tuple[int, int]:
        """Return the first and one past the last cell that is seen at least in part."""
        first = (self.start + self.origin) // self.cell
        past = -(-(self.stop + self.origin) // self.cell)
        return first, max(first, past)

    def pixel_of(self, cell: int) -> int:
        """Return the device pixel of the view where a cell begins."""
        return cell * self.cell - self.origin

    def pixel_of_weight(self, weight: int) -> int:
        """Return the device pixel of the view where the cell of a weight begins."""
        return self.pixel_of(weight >> self.level)

    def weight_at(self, pixel: float) -> int | None:
        """Return the first weight of the cell at a device pixel, None outside the picture."""
        cell = int((pixel + self.origin) // self.cell)
        return cell << self.level if 0 <= cell < self.cells else None

    def moved(self, pixels: int) -> "Span":
        """Return the span with its view moved along the picture, as far as that goes."""
        return self._at(self.origin + pixels)

    def resized(self, extent: int) -> "Span":
        """Return the span of a view of another size with the same weight in its middle."""
        middle = self.origin + self.extent // 2
        return msgspec.structs.replace(self, extent=extent)._at(middle - extent // 2)

    def stepped(self, step: int, pixel: float) -> "Span":
        """Return the span at another zoom, with the weight at ``pixel`` held in its place."""
        step = max(1 - self.levels, min(step, LARGEST_STEP))
        weight = (self.origin + pixel) / self.cell * (1 << self.level)
        there = msgspec.structs.replace(self, step=step)
        return there._at(round(weight / (1 << there.level) * there.cell - pixel))

    def centred(self, first: int, past: int) -> "Span":
        """Return the span with the middle of weights ``first`` ... ``past`` in its middle."""
        middle = (first + past) / 2 / (1 << self.level) * self.cell
        return self._at(round(middle - self.extent / 2))

    def _at(self, origin: int) -> "Span":
        if self.length <= self.extent:
            held = -((self.extent - self.length) // 2)
        else:
            held = max(0, min(origin, self.length - self.extent))
        return msgspec.structs.replace(self, origin=held)


def cells_at(count: int, level: int) -> int:
    """Return how many cells of ``2**level`` weights cover ``count`` weights."""
    return -(-count >> level)


def length_at(count: int, step: int) -> int:
    """Return the device pixels that ``count`` weights take at a zoom step."""
    return cells_at(count, max(0, -step)) * CELLS[max(0, step)]


def fit_step(count: int, levels: int, extent: int, largest: int = LARGEST_FIT) -> int:
    """Return the largest zoom step at which ``count`` weights fit into ``extent`` pixels.

    Where not even the coarsest level fits, that level.
    """
    for step in range(largest, -levels, -1):
        if length_at(count, step) <= extent:
            return step
    return 1 - levels
