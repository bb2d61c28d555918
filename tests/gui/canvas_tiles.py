"""Tiles by plain numpy, straight from the words of messages.py: what the canvas is tested with."""

import numpy as np

from sparse_core.messages import TILE, Picture, Plane, Tile, TileKey


def levels(count):
    """Return how many levels a side of ``count`` weights has."""
    return max(1, max(count - 1, 0).bit_length() + 1)


class Matrix:
    """A matrix of weights judged against 2:4 along its columns."""

    def __init__(self, weights, pattern="2:4"):
        self.weights = weights
        self.kept = weights != 0
        self.scale = float(np.abs(weights).max(initial=0)) or 1.0
        self.pattern = pattern
        self._levels = {}
        rows, columns = weights.shape
        whole = columns // 4 * 4
        surplus = self.kept[:, :whole].reshape(rows, -1, 4).sum(axis=2) - 2
        self.violations = np.zeros((rows, columns), np.uint8)
        lit = np.where(surplus > 0, 55 + 100 * surplus, 0)
        self.violations[:, :whole] = np.repeat(lit, 4, axis=1)

    @property
    def picture(self):
        rows, columns = self.weights.shape
        return Picture(
            view=1,
            tensor="fc1.weight",
            rows=rows,
            columns=columns,
            row_levels=levels(rows),
            column_levels=levels(columns),
            row_label="out",
            column_label="in",
            scale=self.scale,
            pattern=self.pattern,
            axis="in",
            group_rows=1,
            group_columns=4,
        )

    def level(self, plane: Plane, row_level: int, column_level: int):
        """Return all cells of a level, made once."""
        place = plane, row_level, column_level
        if place not in self._levels:
            self._levels[place] = self._made(*place)
        return self._levels[place]

    def _made(self, plane, row_level, column_level):
        if plane == "violation":
            return self._pooled(self.violations, row_level, column_level, np.maximum)
        if plane == "mask":
            return self._pooled(self.kept * np.uint8(255), row_level, column_level, np.maximum)
        if plane == "magnitude":
            largest = self._pooled(np.abs(self.weights), row_level, column_level, np.maximum)
            return np.round(255 * largest / self.scale).astype(np.uint8)
        if plane == "value":
            high = self._pooled(self.weights, row_level, column_level, np.maximum)
            low = self._pooled(self.weights, row_level, column_level, np.minimum)
            signed = np.where(high >= -low, high, low)
            return np.round(128 + 127 * signed / self.scale).astype(np.uint8)
        kept = self._pooled(self.kept.astype(np.int64), row_level, column_level, np.add)
        return np.round(255 * kept / self.sizes(row_level, column_level)).astype(np.uint8)

    def sizes(self, row_level, column_level):
        """Return how many weights each cell of a level covers."""
        ones = np.ones(self.weights.shape, np.int64)
        return self._pooled(ones, row_level, column_level, np.add)

    def tile(self, plane: Plane, key: TileKey):
        cells = self.level(plane, key.row_level, key.column_level)
        top, left = key.row * TILE, key.column * TILE
        cells = np.ascontiguousarray(cells[top : top + TILE, left : left + TILE])
        return Tile(1, "fc1.weight", plane, key, *cells.shape, False, cells.tobytes())

    def answer(self, canvas):
        """Answer whatever a canvas asks for, at once."""
        canvas.tiles_wanted.connect(
            lambda plane, keys: [canvas.add_tile(self.tile(plane, key)) for key in keys]
        )

    def _pooled(self, plane, row_level, column_level, pool):
        rows, columns = plane.shape
        pooled = pool.reduceat(plane, np.arange(0, rows, 1 << row_level), axis=0)
        return pool.reduceat(pooled, np.arange(0, columns, 1 << column_level), axis=1)


def two_of_four(rows, columns, broken=(), seed=0):
    """Return a matrix that is 2:4 but for the groups at ``broken`` (row, first column)."""
    random = np.random.default_rng(seed)
    weights = random.standard_normal((rows, columns)).astype(np.float32)
    whole = columns // 4 * 4
    groups = weights[:, :whole].reshape(rows, -1, 4)
    order = np.argsort(np.abs(groups), axis=2)
    np.put_along_axis(groups, order[:, :, :2], 0.0, axis=2)
    weights[:, :whole] = groups.reshape(rows, whole)
    for row, column in broken:
        weights[row, column : column + 3] = 1.0
    return Matrix(weights)
