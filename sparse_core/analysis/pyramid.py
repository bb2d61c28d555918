"""The picture of a tensor at every zoom: what a cell shows is a statistic of all its weights.

Levels are powers of two, rows and columns independently. The finest levels are cut from the
packed bits or from the mapped file when a tile asks for them; the coarse ones come from a base
level that is made in one pass. Counts stay exact integers and become a byte once, last.
"""

from functools import cached_property
from threading import RLock

import numpy as np
import numpy.typing as npt

from sparse_core.analysis.geometry import Window, areas, window_of
from sparse_core.analysis.judge import judge
from sparse_core.analysis.magnitudes import Extremes, Values
from sparse_core.analysis.measure import Measured, Tick, mask_of
from sparse_core.analysis.pooling import pool
from sparse_core.analysis.subject import Subject, subject_of
from sparse_core.analysis.surplus import worst_surplus
from sparse_core.checkpoints import Checkpoint
from sparse_core.dtypes import Raw
from sparse_core.errors import SparseError
from sparse_core.masks import PackedMask, moments
from sparse_core.masks.packed import group_counts_of_columns
from sparse_core.messages import LayerReport, Plane, ScanOptions, TileKey
from sparse_core.patterns import AXES, NMPattern

BASE = 4
"""Level of the base of counts, along both axes: a cell has 16 x 16 weights."""

BAND_ROWS = 2048
"""Rows that are looked at in one go: a multiple of 128, the most that are added up in bytes."""

_EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
_ADD_PAIRS = np.uint64(0x0001000100010001)

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Unsigned = npt.NDArray[np.unsignedinteger]


class Pyramid:
    """All levels and planes of one tensor.

    Parameters
    ----------
    subject : Subject
        The tensor and how it is judged.
    mask : PackedMask
        Its effective mask.
    values : Values or None
        Its stored weights; without them there are no value planes.
    """

    def __init__(self, subject: Subject, mask: PackedMask, values: Values | None = None) -> None:
        self.subject = subject
        self.mask = mask
        self._values = values
        self._surplus_bases: dict[NMPattern, Bytes] = {}
        self._making = RLock()

    @classmethod
    def of(
        cls, checkpoint: Checkpoint, name: str, options: ScanOptions, tick: Tick | None = None
    ) -> "Pyramid":
        """Read the mask of a tensor, nothing else.

        Parameters
        ----------
        checkpoint : Checkpoint
        name : str
        options : ScanOptions
        tick : callable, optional
            Called before each block; raises ``Cancelled`` to stop.

        Raises
        ------
        SparseError
            If there is no such tensor or it cannot be read.
        """
        if name not in checkpoint.tensors:
            raise SparseError(f"{checkpoint.path} lists no tensor {name}: open it again.")
        subject = subject_of(checkpoint, name, options)
        mask = mask_of(checkpoint, name, options, tick)
        return cls(subject, mask, Values(checkpoint, name, subject.layout))

    @property
    def pattern(self) -> NMPattern | None:
        """What groups are judged against, as far as the tensor tells by itself."""
        if self.known_pattern is not None:
            return self.known_pattern
        with self._making:
            return self._recognised

    @property
    def known_pattern(self) -> NMPattern | None:
        """The same as far as it is known without looking at the groups now."""
        if self.subject.meant is not None and self.subject.surely:
            return self.subject.meant
        found: NMPattern | None = self.__dict__.get("_recognised")
        return found

    @cached_property
    def _recognised(self) -> NMPattern | None:
        """The pattern that the mask alone shows."""
        info = self.subject.info
        unread = moments(np.empty(0, info.dtype.raw), info.dtype, 0.0)
        return pattern_of(judge(self.subject, Measured(self.mask, unread)))

    @property
    def bytes(self) -> int:
        """Memory that this pyramid holds now."""
        held = self.mask.words.nbytes + self.mask.layout.elements // 128
        held += sum(base.nbytes for base in self._surplus_bases.values())
        return held + (self._values.bytes if self._values is not None else 0)

    def scale(self, tick: Tick | None = None) -> float:
        """Give the largest finite |w|; reads the tensor once, then knows it."""
        return 0.0 if self._values is None else self._values.extremes(tick).scale

    def known_scale(self) -> float | None:
        """Give the largest finite |w| if the tensor was already read."""
        return None if self._values is None else self._values.known_scale()

    def raw(self, window: Window) -> Raw:
        """Read the stored bits of a window, ``(rows, columns)``.

        Raises
        ------
        SparseError
            If the file cannot be read.
        """
        if self._values is None:
            raise SparseError("This tensor has no values to show.")
        return self._values.rows(window)

    def tile(
        self, plane: Plane, key: TileKey, pattern: NMPattern | None, tick: Tick | None = None
    ) -> Bytes:
        """Draw one tile.

        Parameters
        ----------
        plane : str
            What the cells show; their bytes are explained at ``messages.Tile``.
        key : TileKey
        pattern : NMPattern or None
            What violations are judged against.
        tick : callable, optional
            Called between pieces of long work; raises ``Cancelled`` to stop.

        Returns
        -------
        ndarray of uint8, ``(height, width)``
            At most 512 x 512 cells.

        Raises
        ------
        SparseError
            If the picture has no such tile, or the file cannot be read.
        """
        window = window_of(self.mask.layout, key)
        at = (key.row_level, key.column_level)
        if plane == "violation":
            return _violation_bytes(self.surplus(window, *at, pattern, tick), pattern)
        if plane in ("magnitude", "value"):
            return self._value_tile(plane, window, at, tick)
        kept = self.kept(window, *at)
        if plane == "mask":
            return (kept > 0).view(np.uint8) * np.uint8(255)
        return _density_bytes(kept, window, at)

    def kept(self, window: Window, row_level: int, column_level: int) -> Unsigned:
        """Count the kept weights of each cell.

        Returns
        -------
        ndarray of unsigned integers, ``(height, width)``
        """
        if row_level >= BASE and column_level >= BASE:
            cut = _cut(self._kept_base, window, BASE).astype(_narrowest(row_level + column_level))
            return pool(cut, row_level - BASE, column_level - BASE, np.add)
        return _counted(self.mask, window, row_level, column_level)

    def surplus(
        self,
        window: Window,
        row_level: int,
        column_level: int,
        pattern: NMPattern | None,
        tick: Tick | None = None,
    ) -> Bytes:
        """Say by how much the worst group that touches each cell exceeds N.

        Returns
        -------
        ndarray of uint8, ``(height, width)``
        """
        if pattern is None:
            return np.zeros(areas(window, row_level, column_level).shape, np.uint8)
        if row_level >= BASE and column_level >= BASE:
            cut = _cut(self._surplus_base(pattern, tick), window, BASE)
            return pool(cut, row_level - BASE, column_level - BASE, np.maximum)
        return worst_surplus(self.mask, pattern, window, (row_level, column_level), tick)

    def _value_tile(
        self, plane: Plane, window: Window, at: tuple[int, int], tick: Tick | None
    ) -> Bytes:
        """Draw |w| or the value of largest |w|."""
        if self._values is None:
            raise SparseError("This tensor has no values to show.")
        extremes = self._values.window(window, *at, tick)
        scale = self.scale(tick)
        return (
            _magnitude_bytes(extremes, scale)
            if plane == "magnitude"
            else _value_bytes(extremes, scale)
        )

    @cached_property
    def _kept_base(self) -> npt.NDArray[np.uint16]:
        """Kept weights of 16 x 16 each: the one pass over the bits."""
        layout = self.mask.layout
        whole = Window(0, layout.rows, 0, layout.columns)
        return _counted(self.mask, whole, BASE, BASE).astype(np.uint16)

    def _surplus_base(self, pattern: NMPattern, tick: Tick | None) -> Bytes:
        """Worst surplus of 16 x 16 each, made once for a pattern."""
        with self._making:
            if pattern not in self._surplus_bases:
                layout = self.mask.layout
                whole = Window(0, layout.rows, 0, layout.columns)
                base = worst_surplus(self.mask, pattern, whole, (BASE, BASE), tick)
                self._surplus_bases[pattern] = base
            return self._surplus_bases[pattern]


def pattern_of(report: LayerReport) -> NMPattern | None:
    """Give the pattern that the bad groups of a report are counted against."""
    text, axis = report.pattern, report.axis
    if report.meant is not None:
        text, axis = report.meant, report.meant_axis
    for known in AXES:
        if text is not None and axis == known:
            return NMPattern.parse(text, known)
    return None


def _cut(base: npt.NDArray[np.generic], window: Window, level: int) -> npt.NDArray[np.generic]:
    """Cut a window of weights out of a base level."""
    return base[
        window.row0 >> level : -(-window.row1 >> level),
        window.column0 >> level : -(-window.column1 >> level),
    ]


def kept_counts(mask: PackedMask, window: Window, row_level: int, column_level: int) -> Counts:
    """Count the bits of each cell straight from the packed words, as signed integers."""
    return _counted(mask, window, row_level, column_level).astype(np.int64)


def _counted(mask: PackedMask, window: Window, row_level: int, column_level: int) -> Unsigned:
    """Count the bits of each cell straight from the packed words.

    As many rows as fit are added up in bytes, where a processor adds 32 at a time, and no number
    is wider than it must be: touching fresh memory costs more than adding.
    """
    down = row_level >= 2 and column_level < 5
    unit = 0 if column_level < 3 or down else min(column_level, 6)
    inner = min(row_level, 6 if down else 7 - unit)
    bands = []
    for row in range(window.row0, window.row1, BAND_ROWS):
        band = window._replace(row0=row, row1=min(row + BAND_ROWS, window.row1))
        if down:
            narrow = _counts_down(mask, band, 1 << inner)
        else:
            narrow = pool(_counts_along(mask, band, unit), inner, 0, np.add)
        bands.append(_summed_along(narrow, column_level - unit, inner + unit))
    counts = bands[0] if len(bands) == 1 else np.concatenate(bands)
    wide = counts.astype(_narrowest(row_level + column_level), copy=False)
    return pool(wide, row_level - inner, 0, np.add)


def _narrowest(level: int) -> np.dtype[np.unsignedinteger]:
    """Choose the format that just holds ``2**level``."""
    return np.dtype(f"<u{1 << max((level // 8).bit_length(), 0)}")


def _counts_down(mask: PackedMask, band: Window, height: int) -> Bytes:
    """Count the kept weights in each ``height`` rows of each column, at most 64.

    The bits of whole words are added at once, long before there is a byte for each column.
    """
    words = mask.words[band.row0 : band.row1, band.column0 >> 6 : -(-band.column1 >> 6)]
    width, rest = band.column1 - band.column0, words.shape[0] % height
    counts = group_counts_of_columns(words, width, height)
    if not rest:
        return counts
    last = group_counts_of_columns(words[-rest:], width, rest)
    return np.concatenate([counts, last])


def _summed_along(counts: Bytes, level: int, most: int) -> Unsigned:
    """Add ``2**level`` columns each, which hold at most ``2**most``, a word of eight at once."""
    if level < 3:
        return pool(counts.astype(_narrowest(most + level), copy=False), 0, level, np.add)
    missing = -counts.shape[1] % 8
    filled = np.pad(counts, ((0, 0), (0, missing))) if missing else np.ascontiguousarray(counts)
    words = filled.view("<u8")
    pairs = (words & _EVEN_BYTES) + ((words >> np.uint64(8)) & _EVEN_BYTES)
    eights = (pairs * _ADD_PAIRS) >> np.uint64(48)
    return pool(eights, 0, level - 3, np.add)


def _counts_along(mask: PackedMask, band: Window, unit: int) -> Bytes:
    """Count the kept weights in each ``2**unit`` columns of each row, at most 64."""
    words = mask.words[band.row0 : band.row1].view(f"<u{1 << max(unit - 3, 0)}")
    size = max(unit, 3)
    cut = words[:, band.column0 >> size : -(-band.column1 >> size)]
    if unit:
        counts: Bytes = np.bitwise_count(cut)
        return counts
    width = band.column1 - band.column0
    return np.unpackbits(np.ascontiguousarray(cut), axis=1, count=width, bitorder="little")


def _density_bytes(kept: Unsigned, window: Window, at: tuple[int, int]) -> Bytes:
    """Round 255 times the share of kept weights.

    Dividing by the area of a whole cell is a shift; only the cells at the edge are divided.
    """
    row_level, column_level = at
    level = row_level + column_level
    wide = kept.astype(_narrowest(level + 9))
    wide *= wide.dtype.type(510)
    wide += wide.dtype.type(1 << level)
    wide >>= wide.dtype.type(level + 1)
    shares = wide.astype(np.uint8)
    last_row = areas(window._replace(row0=_last(window.row0, window.row1, row_level)), *at)
    last_column = areas(
        window._replace(column0=_last(window.column0, window.column1, column_level)), *at
    )
    shares[-1:] = _divided(kept[-1:], last_row)
    shares[:, -1:] = _divided(kept[:, -1:], last_column)
    return shares


def _last(start: int, stop: int, level: int) -> int:
    """Say where the last cell of an axis begins."""
    return start + ((stop - start - 1) >> level << level)


def _divided(kept: Unsigned, area: Counts) -> Bytes:
    """Round 255 times the share of kept weights, of cells of any area."""
    return ((510 * kept.astype(np.int64) + area) // (2 * area)).astype(np.uint8)


def _violation_bytes(surplus: Bytes, pattern: NMPattern | None) -> Bytes:
    """Spread the surplus 1 ... M - N over 55 ... 255, so that the least is seen."""
    table = np.zeros(256, np.uint8)
    if pattern is not None and pattern.m > pattern.n:
        most = pattern.m - pattern.n
        table[1 : most + 1] = np.rint(55 + 200 * np.arange(1, most + 1) / most)
    return table[surplus]


def _magnitude_bytes(extremes: Extremes, scale: float) -> Bytes:
    """Round 255 times the share of the scale; NaN and Inf are 255."""
    share = np.abs(extremes.values) / scale if scale > 0 else np.zeros_like(extremes.values)
    return np.where(extremes.finite, np.rint(255 * share), 255).astype(np.uint8)


def _value_bytes(extremes: Extremes, scale: float) -> Bytes:
    """Spread −scale ... scale over 1 ... 255; NaN and Inf are 0."""
    share = extremes.values / scale if scale > 0 else np.zeros_like(extremes.values)
    return np.where(extremes.finite, np.rint(128 + 127 * share), 0).astype(np.uint8)
